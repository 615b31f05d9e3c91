"""What a reader of an evaluation's figures must know of its clips."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Caveats:
    """Names of clips and cameras that could not be treated as the others.

    Attributes:
        cameras_never_trained_on: No training clip shows them, or none with an object; judged as all cameras together.
        clips_without_labels: Watched, and in no figure but the speed.
        clips_of_one_frame: Motion is not known in them, so that they have the usual score whatever they show.
        clips_without_objects: Nothing moved in them, so that every frame but the first has the score 0; a camera that
            was covered all the time looks like that, too.
    """

    cameras_never_trained_on: tuple[str, ...]
    clips_without_labels: tuple[str, ...]
    clips_of_one_frame: tuple[str, ...]
    clips_without_objects: tuple[str, ...]

    def sentences(self) -> list[str]:
        """One for each caveat there is."""
        meanings = (
            (self.cameras_never_trained_on, "cameras never trained on, judged as all together"),
            (self.clips_without_labels, "clips without labels, in no figure but the speed"),
            (self.clips_of_one_frame, "clips of one frame, given the usual score"),
            (self.clips_without_objects, "clips without any object, scored 0"),
        )
        return [f"{meaning}: {', '.join(map(repr, names))}" for names, meaning in meanings if names]
