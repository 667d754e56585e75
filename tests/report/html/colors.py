"""Contrast of colours, and colours as people with a colour vision deficiency see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency" (2009), table 1, severity 1.0, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted(luminance(each) for each in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def blend(color: str, under: str, opacity: float) -> str:
    """Return a translucent colour over another one."""
    pairs = [(int(color[at : at + 2], 16), int(under[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(opacity * x + (1 - opacity) * y):02x}" for x, y in pairs)


def luminance(color: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2, "relative luminance")."""
    return float(linearize(color) @ [0.2126, 0.7152, 0.0722])


def see(color: str, vision: str) -> NDArray[np.float64]:
    """Return a colour as a person sees it, in CIELAB under D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    seen = np.clip(VISIONS[vision] @ linearize(color), 0, 1)
    x, y, z = (cube_root(each) for each in to_xyz @ seen / np.array([0.95047, 1.0, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def linearize(color: str) -> NDArray[np.float64]:
    values = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def cube_root(value: float) -> float:
    return float(np.cbrt(value)) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
