"""Scenes: what stands in a picture, what people might say of it, and the picture itself.

A scene holds one or two things on a plain background. A thing is a shape of one colour and of one size, at a place.
Everything random is drawn from a `np.random.RandomState`, the one generator of NumPy whose numbers are frozen for good,
and the order of the draws is part of the data set: change it and every file changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 96  # pixels
OVERSAMPLING = 4  # drawn four times as large, then averaged down: smooth edges in integer arithmetic
CAPTIONS_PER_SCENE = 5
MOST_WORDS = 15  # 17 columns less <START> and <END>

SHAPES = ("circle", "square", "triangle", "star", "diamond", "cross")
COLOURS = {
    "red": (214, 40, 40),
    "orange": (243, 130, 30),
    "yellow": (245, 222, 45),
    "green": (50, 160, 70),
    "blue": (45, 95, 205),
    "purple": (130, 60, 180),
    "pink": (245, 130, 180),
}
BACKGROUNDS = {"white": 244, "grey": 150, "black": 28}
RADII = {"small": (10, 12), "large": (18, 20)}  # pixels, both ends included
SAME_SIZE = {"small": ("small", "little"), "large": ("large", "big")}
CENTRES = {  # of a single thing, in pixels from the top left: x, y
    "top left": (25, 25),
    "top": (48, 25),
    "top right": (71, 25),
    "left": (25, 48),
    "middle": (48, 48),
    "right": (71, 48),
    "bottom left": (25, 71),
    "bottom": (48, 71),
    "bottom right": (71, 71),
}
ENDS = {"beside": ((23, 48), (73, 48)), "above": ((48, 23), (48, 73))}  # centres of two things
WOBBLE = 1  # pixels that a centre may be off: two large stars then still don't touch
IN_PLACE = {
    "top": ("at the top", "near the top"),
    "bottom": ("at the bottom", "near the bottom"),
    "left": ("on the left", "on the left side"),
    "right": ("on the right", "on the right side"),
    "middle": ("in the middle", "in the centre"),
}
FIRST_OF_TWO = {"beside": ("to the left of", "left of"), "above": ("above", "over")}
SECOND_OF_TWO = {"beside": ("to the right of", "on the right of"), "above": ("below", "under")}


@dataclass(frozen=True)
class Thing:
    """One shape: its names, and for the pencil its exact colour, its centre (x, y) and its radius in pixels."""

    shape: str
    colour: str
    size: str
    rgb: tuple[int, int, int]
    centre: tuple[int, int]
    radius: int


@dataclass(frozen=True)
class Scene:
    """One thing at a `place`, or two of which the first stands `beside` (left of) or `above` the second."""

    things: tuple[Thing, ...]
    place: str
    background: str
    grey: int

    @property
    def combination(self) -> tuple[object, ...]:
        """What no scene of `val` shares with one of `train`: the kinds of things, and the place of a single one."""
        kinds = tuple(sorted((thing.colour, thing.shape) for thing in self.things))
        return (*kinds, self.place) if len(kinds) == 1 else kinds


def make_scenes(singles: int, pairs: int, random: np.random.RandomState) -> list[Scene]:
    """Draw scenes of which no two share their combination, in mixed order."""
    kinds = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    placed = [(kind, place) for kind in kinds for place in CENTRES]
    couples = [(one, two) for i, one in enumerate(kinds) for two in kinds[i + 1 :]]
    scenes = [_single(*placed[i], random) for i in random.permutation(len(placed))[:singles]]
    scenes += [_pair(*couples[i], random) for i in random.permutation(len(couples))[:pairs]]
    return [scenes[i] for i in random.permutation(len(scenes))]


def _single(kind: tuple[str, str], place: str, random: np.random.RandomState) -> Scene:
    thing = _thing(kind, CENTRES[place], random)
    return Scene((thing,), place, *_background(random))


def _pair(one: tuple[str, str], two: tuple[str, str], random: np.random.RandomState) -> Scene:
    if random.randint(2):
        one, two = two, one
    relation = _pick(("beside", "above"), random)
    things = tuple(_thing(kind, centre, random) for kind, centre in zip((one, two), ENDS[relation], strict=True))
    return Scene(things, relation, *_background(random))


def _thing(kind: tuple[str, str], near: tuple[int, int], random: np.random.RandomState) -> Thing:
    colour, shape = kind
    size = _pick(tuple(RADII), random)
    low, high = RADII[size]
    radius = int(random.randint(low, high + 1))
    x, y = (at + int(random.randint(-WOBBLE, WOBBLE + 1)) for at in near)
    red, green, blue = (channel + int(random.randint(-8, 9)) for channel in COLOURS[colour])
    return Thing(shape, colour, size, (red, green, blue), (x, y), radius)


def _background(random: np.random.RandomState) -> tuple[str, int]:
    name = _pick(tuple(BACKGROUNDS), random)
    return name, BACKGROUNDS[name] + int(random.randint(-8, 9))


def _pick(options: tuple[str, ...], random: np.random.RandomState) -> str:
    return options[random.randint(len(options))]


# --- what people might say -------------------------------------------------------------------------------------------


def describe(scene: Scene, random: np.random.RandomState) -> list[str]:
    """Return CAPTIONS_PER_SCENE different true sentences on a scene, in lower case and without stops."""
    sentences = _on_one(scene, random) if len(scene.things) == 1 else _on_two(scene, random)
    chosen = random.permutation(len(sentences))[:CAPTIONS_PER_SCENE]
    return [sentences[i] for i in chosen]


def _on_one(scene: Scene, random: np.random.RandomState) -> list[str]:
    (thing,) = scene.things
    bare, sized = f"{thing.colour} {thing.shape}", f"{_size(thing, random)} {thing.colour} {thing.shape}"
    size = _size(thing, random)

    def where() -> str:
        in_corner = (f"in the {scene.place} corner", f"at the {scene.place}")
        return _pick(IN_PLACE.get(scene.place, in_corner), random)

    return [
        f"{_a(sized)} {where()}",
        f"there is {_a(sized)} {where()}",
        f"{_a(bare)} {where()} of the picture",
        f"the picture shows {_a(bare)} {where()}",
        f"{_a(bare)} on a {scene.background} background",
        f"{_a(sized)} on a {scene.background} background",
        f"the {thing.shape} {where()} is {size} and {thing.colour}",
        f"a single {bare} {where()}",
    ]


def _on_two(scene: Scene, random: np.random.RandomState) -> list[str]:
    # All name the left or upper thing first: a choice that the picture doesn't show would only trip a small model up.
    one, two = scene.things
    first, second = f"{one.colour} {one.shape}", f"{two.colour} {two.shape}"
    forth, back = _pick(FIRST_OF_TWO[scene.place], random), _pick(SECOND_OF_TWO[scene.place], random)
    after = "to its right" if scene.place == "beside" else _pick(("below it", "under it"), random)
    together = "side by side" if scene.place == "beside" else "one above the other"
    ground = f"on a {scene.background} background"
    sentences = [
        f"{_a(f'{_size(one, random)} {first}')} {forth} {_a(f'{_size(two, random)} {second}')}",
        f"{_a(first)} and {_a(second)} {ground}",
        f"there is {_a(first)} {forth} {_a(second)}",
        f"the {first} is {forth} the {second}",
        f"{_a(first)} with {_a(second)} {after}",
        f"the picture shows {_a(first)} and {_a(second)}",
        f"{back} the {first} {_pick(('is', 'there is'), random)} {_a(second)}",
    ]
    if one.shape == two.shape:
        plural = "crosses" if one.shape == "cross" else f"{one.shape}s"
        sentences += [f"two {plural} {together}", f"one {one.colour} and one {two.colour} {one.shape} {ground}"]
    elif one.colour == two.colour:
        sentences.append(f"two {one.colour} shapes {together}")
    return sentences


def _size(thing: Thing, random: np.random.RandomState) -> str:
    return _pick(SAME_SIZE[thing.size], random)


def _a(noun: str) -> str:
    return f"an {noun}" if noun.startswith("orange") else f"a {noun}"


# --- the picture -----------------------------------------------------------------------------------------------------


def draw(scene: Scene) -> Image.Image:
    """Return the picture of a scene: RGB, SIDE x SIDE pixels."""
    large = Image.new("RGB", (SIDE * OVERSAMPLING, SIDE * OVERSAMPLING), (scene.grey,) * 3)
    pencil = ImageDraw.Draw(large)
    for thing in scene.things:
        corners = [_on_paper(thing, u, v) for u, v in OUTLINES[thing.shape]]
        pencil.polygon(corners, fill=thing.rgb)
    return large.reduce(OVERSAMPLING)


def _on_paper(thing: Thing, u: float, v: float) -> tuple[int, int]:
    x, y = thing.centre
    return round((x + thing.radius * u) * OVERSAMPLING), round((y + thing.radius * v) * OVERSAMPLING)


def _around(radii: tuple[float, ...], count: int) -> list[tuple[float, float]]:
    """`count` corners around the centre, the first at the top, their distances taken from `radii` in turn."""
    turns = [2 * math.pi * i / count for i in range(count)]
    return [(radii[i % len(radii)] * math.sin(a), -radii[i % len(radii)] * math.cos(a)) for i, a in enumerate(turns)]


def _four_times(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """These corners, then the same turned by a quarter, and so on round."""
    quarters = [corners]
    for _ in range(3):
        quarters.append([(-v, u) for u, v in quarters[-1]])
    return [corner for quarter in quarters for corner in quarter]


# Corners in units of the radius, y downwards; the factors make the areas of the shapes look alike.
OUTLINES: dict[str, list[tuple[float, float]]] = {
    "circle": _around((1.0,), 72),
    "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "triangle": [(0.0, -1.05), (1.1, 0.9), (-1.1, 0.9)],
    "star": _around((1.15, 0.5), 10),
    "diamond": [(0.0, -1.15), (0.85, 0.0), (0.0, 1.15), (-0.85, 0.0)],
    "cross": _four_times([(0.35, -1.05), (0.35, -0.35), (1.05, -0.35)]),
}
