"""How well tracks keep to people, and at what cost, beside a library's tracker."""
