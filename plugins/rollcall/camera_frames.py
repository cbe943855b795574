"""Frames of a camera or a video file, and what drawn frames are written to. Imported when the command runs.

All calls block; `plugins.rollcall.camera` makes them in a thread.
"""

import re
from pathlib import Path
from typing import Any, Final, Self

import cv2
import numpy as np

from shared.errors import BadInput
from shared.pictures import Pixels

CODECS: Final = {".mp4": "mp4v", ".avi": "MJPG"}
MOST_PIXELS: Final = 3840 * 2160
DEFAULT_RATE: Final = 25.0
TITLE: Final = "Hearth roll call"


class Frames:
    """Reads frames. Raises `BadInput` where there is no such camera, or no video that can be read."""

    def __init__(self, capture: Any, name: str, live: bool) -> None:
        self.capture = capture
        self.name = name
        self.live = live
        self.read = 0
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 1 <= rate <= 240 else DEFAULT_RATE

    @classmethod
    def of_camera(cls, number: int) -> Self:
        """Open a camera by its number."""
        capture = cv2.VideoCapture(number)
        if not capture.isOpened():
            raise BadInput("There is no camera {number} that can be opened.", number=number)
        # The newest frame, not one of a queue of old ones.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return cls(capture, str(number), live=True)

    @classmethod
    def of_video(cls, path: Path) -> Self:
        """Open a video file."""
        if not path.is_file():
            raise BadInput("There is no video {path}.", path=path)
        capture = cv2.VideoCapture(str(path))
        if not capture.isOpened():
            raise BadInput("{path} is not a video that can be read.", path=path)
        return cls(capture, str(path), live=False)

    def next(self) -> Pixels | None:
        """Return the next frame, RGB; None at the end. Raises `BadInput` where there is not one frame."""
        fine, frame = self.capture.read()
        if not fine or frame is None:
            if self.read == 0:
                raise BadInput("{name} holds no frame that can be read.", name=self.name)
            return None
        high, wide = frame.shape[:2]
        if high * wide > MOST_PIXELS:
            raise BadInput("The frames of {name} are larger than 3840 × 2160 pixels.", name=self.name)
        self.read += 1
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        """Let the camera or the file go."""
        self.capture.release()


class Output:
    """Takes drawn frames: a video file, a window, both or nothing."""

    def __init__(self, path: Path | None, rate: float, window: bool) -> None:
        if path is not None and path.suffix.lower() not in CODECS:
            raise BadInput("{path}: a video is written as .mp4 or .avi.", path=path)
        self.path = path
        self.rate = rate
        self.window = window
        self.writer: Any = None

    @property
    def wanted(self) -> bool:
        """Tell whether frames need to be drawn."""
        return self.path is not None or self.window

    def show(self, pixels: Pixels) -> bool:
        """Write and show a frame; False where the person closed the window, or pressed q or Escape."""
        frame = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        if self.path is not None:
            if self.writer is None:
                code = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
                self.writer = cv2.VideoWriter(str(self.path), code, self.rate, frame.shape[1::-1])
                if not self.writer.isOpened():
                    raise BadInput("{path} cannot be written.", path=self.path)
            self.writer.write(frame)
        if self.window:
            cv2.imshow(TITLE, frame)
            return (cv2.waitKey(1) & 0xFF) not in (ord("q"), 27)
        return True

    def close(self) -> None:
        """Finish the file, and close the window."""
        if self.writer is not None:
            self.writer.release()
        if self.window:
            cv2.destroyAllWindows()


def has_window() -> bool:
    """Tell whether this build of OpenCV can show windows."""
    found = re.search(r"GUI:\s+(\S+)", cv2.getBuildInformation())
    return found is not None and found.group(1) != "NONE"


def jpeg(pixels: Pixels) -> bytes:
    """Return a frame as the model takes pictures."""
    _, written = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    return bytes(written.tobytes())
