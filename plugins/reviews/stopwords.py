"""Words that say nothing of what a review is about: English, and Chinese in simplified characters."""

from typing import Final

# fmt: off
_ENGLISH: Final = """
a about above after again against ain all also am an and any are aren't arent as at be because been before being below
between both but by can can't cannot cant could couldn't did didn't do does doesn't doing don't dont down during each
even ever few for from further get gets getting go going got had hadn't has hasn't have haven't having he her here hers
herself him himself his how i i'd i'll i'm i've if im in into is isn't it it's its itself ive just let like ll made make
many may me might more most much must mustn't my myself need never no nor not now of off on once one only or other our
ours ourselves out over own quite rather re really s said same say see shan't she should shouldn't since so some still
such t than that that's thats the their theirs them themselves then there there's these they they're this those though
through to too two under until up upon us ve very was wasn't way we we're well went were weren't what when where which
while who whom why will with won't would wouldn't yet you you're your yours yourself yourselves
"""
_CHINESE: Final = """
的 了 和 是 在 我 你 他 她 它 这 那 此 其 之 不 也 都 就 而 及 与 或 但 并 把 被 从 到 对 为 以 于 上 下 中
有 没 会 能 可 要 将 已 着 过 得 地 很 还 又 再 更 最 个 些 么 吗 呢 吧 啊 呀 嘛 哦 哈 哎 唉 啦 哇 噢 嗯 呵
则 即 若 如 因 所 由 向 往 给 让 使 等 各 每 某 只 才 却 虽 然 且 位 名 我们 你们 他们 她们 它们 自己 大家
人家 这个 那个 这些 那些 这样 那样 这么 那么 这里 那里 这种 那种 这是 那是 就是 不是 还是 只是 但是 可是
于是 要是 而是 也是 都是 算是 总是 真是 是不是 可以 不能 不会 没有 没 有点 有些 一些 一个 一下 一点 一样
一直 一般 一种 一次 一定 一天 几个 几天 两个 什么 怎么 怎样 为什么 如何 多少 哪里 哪个 因为 所以 如果 虽然
不过 然后 而且 并且 或者 以及 以后 以前 之后 之前 时候 现在 今天 昨天 已经 还有 还要 只有 只能 其实 其他
其它 另外 比较 非常 特别 真的 真 太 挺 蛮 好 大 小 多 少 去 来 说 看 用 想 做 里 后 前 时 年 月 日 天 次 点
种 样 觉得 感觉 知道 应该 可能 需要 东西 出来 起来 下来 上去 进去 过来 回来 之类 什么样 不要 不用 不可 不太
不好 很多 好多 许多 这次 那次 第一次 第一 第二 比 跟 像 连 按 当 至 呗 啥 咋 俺 您 咱 哪 谁 几 两 一 二 三
四 五 六 七 八 九 十 百 千 万 元 块 件 本 台 部 瓶 箱 nbsp hellip ldquo rdquo quot amp
"""
# fmt: on
STOPWORDS: Final = frozenset(_ENGLISH.split()) | frozenset(_CHINESE.split())
