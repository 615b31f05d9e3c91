"""Rules in English: sentences in, rules and their paraphrase out; what is not understood is pointed at."""
