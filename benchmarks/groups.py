"""Emoji in a folder for each Unicode group of their names: a labelled set of colour pictures.

    SPARRING_EMOJI=FOLDER python -m benchmarks.groups google emoji-groups/

Groups are those of emoji-test.txt, which Debian's unicode-data has (Unicode licence). Emoji that it does not name are
left out. Pictures are put on white.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

from PIL import Image

from benchmarks.recipes.translation import emoji

LISTED = Path("/usr/share/unicode/emoji/emoji-test.txt")


def spelt(name: str) -> str:
    """Code points in lower case, joined by hyphens, without those that only ask for the coloured form."""
    return "-".join(point for point in re.split(r"[ -]", name.strip().lower()) if point != "fe0f")


def groups(listed: str) -> dict[str, str]:
    """The group of each emoji that a list names."""
    found, group = {}, ""
    for line in listed.splitlines():
        if line.startswith("# group: "):
            group = re.sub(r"\W+", "-", line.removeprefix("# group: ").lower())
        elif ";" in line and not line.startswith("#"):
            found[spelt(line.split(";")[0])] = group
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("style", choices=("google", "twitter"))
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--listed", type=Path, default=LISTED)
    given = arguments.parse_args()
    known, counts = groups(given.listed.read_text()), Counter[str]()
    for name, picture in zip(*emoji(given.style, 64), strict=True):
        group = known.get(spelt(Path(name).stem))
        if group:
            (given.out / group).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.transpose(1, 2, 0)).save(given.out / group / Path(name).name)
            counts[group] += 1
    print(dict(counts))


if __name__ == "__main__":
    main()
