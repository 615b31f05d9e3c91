"""Errors of sentences: ``LanguageError`` alone."""


class LanguageError(ValueError):
    """A sentence was not understood; it says which words, and nothing was guessed.

    Args:
        reason: What is wrong, in words.
        text: The sentence.
        spans: From where to where each part that is wrong goes, in characters; none where something is missing.
    """

    def __init__(self, reason: str, text: str, spans: tuple[tuple[int, int], ...] = ()) -> None:
        self.reason, self.text, self.spans = reason, text, spans
        super().__init__(f"{reason}: {self.marked}")

    @property
    def marked(self) -> str:
        """The sentence with what is wrong between ``>>`` and ``<<``."""
        marked, end = "", 0
        for first, last in sorted(self.spans):
            marked += f"{self.text[end:first]}>>{self.text[first:last]}<<"
            end = last
        return " ".join((marked + self.text[end:]).split())
