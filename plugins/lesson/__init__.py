"""Lesson: play in chat with what a first course on machine learning teaches, one file a lesson."""

from collections.abc import Sequence
from pathlib import Path

from plugins.lesson.attention import attention
from plugins.lesson.attentions import Attentions
from plugins.lesson.clusterings import Clusterings
from plugins.lesson.clusters import cluster
from plugins.lesson.curves import doctor
from plugins.lesson.embeddings import Embeddings2D
from plugins.lesson.metrics import metrics
from plugins.lesson.perceptron import perceptron
from plugins.lesson.perceptrons import Perceptrons
from plugins.lesson.reduce import reduce
from plugins.lesson.scores import Scores
from plugins.lesson.xor import xor
from shared.command import Command
from shared.model import AnyModel
from shared.plugin import Card, hookimpl

HERE = Path(__file__).parent


@hookimpl
def card() -> Card:
    """Say who the plugin is."""
    return Card(name="lesson", summary="Play with the lessons of machine learning", locale=HERE / "locale")


@hookimpl
def commands() -> Sequence[Command]:
    """Return the lessons."""
    return (perceptron, xor, reduce, cluster, metrics, attention, doctor)


@hookimpl
def models() -> Sequence[AnyModel]:
    """Return what computes and draws them in the worker."""
    return (Perceptrons, Embeddings2D, Clusterings, Scores, Attentions)
