"""The mutants that live, each with the reason why no case can or need notice it."""

WHY: dict[str, str] = {}
