"""`/lesson cluster`: k-means, DBSCAN and HDBSCAN on the same points, and what one more point does to each."""

from typing import Annotated

from plugins.lesson.clusterings import Clusterings, ClusterRequest, ClusterResult, ClusterWords, Found
from plugins.lesson.perceptron import name_of
from plugins.lesson.points import Drawn, from_table
from shared.command import Range, Table, command
from shared.context import Context
from shared.reply import Field, Picture, Reply, escape
from shared.texts import joined


@command()
async def cluster(
    ctx: Context,
    data: Drawn = "moons",
    table: Table | None = None,
    k: Annotated[int, Range(1, 10)] = 2,
    eps: Annotated[float, Range(0.001, 100)] = 0.22,
    min_samples: Annotated[int, Range(1, 50)] = 4,
    min_cluster_size: Annotated[int, Range(2, 200)] = 15,
    seed: Annotated[int, Range(0, 1_000_000)] = 0,
) -> Reply:
    """See k-means, DBSCAN and HDBSCAN on the same points, and what one point more changes

    data: a set of points that is drawn
    table: your own points: a CSV with columns x and y, or two of numbers; they are scaled to a spread of 1
    k: clusters that k-means makes
    eps: how near points are neighbours to DBSCAN
    min_samples: points within eps, itself counted, that make a point a core of DBSCAN
    min_cluster_size: points of the smallest cluster of HDBSCAN
    seed: draws the points, and where k-means begins
    """
    points = from_table(table, kinds=None) if table is not None else None
    name = name_of(ctx, data, table)
    request = ClusterRequest(
        data=data,
        points=points,
        k=k,
        eps=eps,
        min_samples=min_samples,
        min_cluster_size=min_cluster_size,
        seed=seed,
        words=ClusterWords(
            title=name,
            counted=ctx.text(
                "clusters: {clusters} · in none: {noise}", clusters="{clusters}", noise="{noise}"
            ),
            one_more=ctx.text("+ 1 point"),
        ),
    )
    ctx.progress(0.1, ctx.text("clustering and drawing"))
    result = await ctx.predict(Clusterings, request)
    found = {method.name: method for method in result.methods}
    counts = ", ".join(f"{f.name} {f.clusters[0]} → {f.clusters[1]}" for f in result.methods)
    alt = ctx.text(
        "The same {count} points three times side by side, coloured by the clusters of k-means, DBSCAN and "
        "HDBSCAN; below, the same with one point more, which is ringed. Clusters: {counts}.",
        count=result.count, counts=counts,
    )  # fmt: skip
    options = (
        f"k {k}, eps {eps:g}, min_samples {min_samples}, min_cluster_size {min_cluster_size}, seed {seed}"
    )
    return Reply(
        title=escape(ctx.text("Clusters of {data}, three ways", data=name)),
        text=joined(
            (_seen(ctx, result, found), _why(ctx, result, found["DBSCAN"], eps, min_samples), _not(ctx))
        ),
        fields=(
            *(Field(method.name, _figures(ctx, method)) for method in result.methods),
            Field(ctx.text("Options"), escape(options), inline=False),
        ),
        pictures=(Picture(result.png, alt, "cluster.png"),),
    )


def _seen(ctx: Context, result: ClusterResult, found: dict[str, Found]) -> str:
    return ctx.text(
        "In the upper row the same {count} points have {kmeans} clusters by k-means, {dbscan} by DBSCAN ({noise} "
        "points in none) and {hdbscan} by HDBSCAN ({other} in none); in the lower row one more point is among "
        "them, the ringed one.",
        count=result.count,
        kmeans=found["k-means"].clusters[0],
        dbscan=found["DBSCAN"].clusters[0],
        noise=found["DBSCAN"].noise[0],
        hdbscan=found["HDBSCAN"].clusters[0],
        other=found["HDBSCAN"].noise[0],
    )


def _why(ctx: Context, result: ClusterResult, dbscan: Found, eps: float, min_samples: int) -> str:
    if result.joins:
        return ctx.text(
            "That single point makes {after} of the {before} clusters of DBSCAN: it lies in a gap of {gap:.2g}, "
            "within eps = {eps:g} of both sides, and with {samples} points that near it is a core point, and "
            "whatever core points reach is one cluster; k-means and HDBSCAN do not hang on one distance, and the "
            "figures below say what the point does to them.",
            before=dbscan.clusters[0], after=dbscan.clusters[1], gap=result.gap or 0.0, eps=eps, samples=min_samples,
        )  # fmt: skip
    if result.gap is None:
        return ctx.text(
            "With eps = {eps:g} and min_samples = {samples} DBSCAN has no two clusters that a point could join: "
            "take a smaller eps where all is one cluster, a larger one where all is noise.",
            eps=eps, samples=min_samples,
        )  # fmt: skip
    return ctx.text(
        "No single point joins two clusters of DBSCAN here: it would have to lie within eps = {eps:g} of both and "
        "have {samples} points that near; the narrowest gap is {gap:.2g} wide, and with an eps above half of that,"
        " or fewer min_samples, one point may do it.",
        eps=eps, samples=min_samples, gap=result.gap,
    )  # fmt: skip


def _not(ctx: Context) -> str:
    return ctx.text(
        "Do not take a number of clusters for a fact about the points: k-means makes as many as it is told, with "
        "straight borders, and those of DBSCAN and HDBSCAN hang on their options; nor is a point in none of them "
        "an error in the data."
    )


def _figures(ctx: Context, method: Found) -> str:
    lines = [
        ctx.text("clusters {before} → {after}", before=method.clusters[0], after=method.clusters[1]),
        ctx.text("in none {before} → {after}", before=method.noise[0], after=method.noise[1]),
        ctx.text("as before: {alike:.2f} (ARI)", alike=method.alike),
    ]
    if method.truth is not None:
        lines.append(ctx.text("as drawn: {truth:.2f} (ARI)", truth=method.truth))
    return "\n".join(lines)
