"""Texts and pictures for the screenshots: invented, or in the public domain, so that they may be shown."""

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path

from matplotlib import cbook
from PIL import Image, ImageDraw, ImageFilter

from shared.fonts import face


def note(path: Path) -> Path:
    """Write a picture of a note with two numbers, a little aslant, as a phone takes it."""
    image = Image.new("RGB", (640, 360), (226, 221, 205))
    pen = ImageDraw.Draw(image)
    pen.text((70, 60), "2 0 2 6", font=face(0, 92, 400), fill=(35, 45, 95))
    pen.text((110, 190), "5 8 1 3 4", font=face(0, 92, 400), fill=(35, 45, 95))
    turned = image.rotate(3, Image.Resampling.BICUBIC, fillcolor=(226, 221, 205))
    turned.filter(ImageFilter.GaussianBlur(0.8)).save(path, quality=85)
    return path


def portrait(path: Path) -> Path:
    """Write the portrait that Matplotlib brings, of 1984 and in the public domain."""
    with Image.open(cbook.get_sample_data("grace_hopper.jpg")) as image:
        image.convert("RGB").save(path, quality=92)
    return path


def thing(path: Path) -> Path:
    """Write a photo of one thing from scikit-learn's samples: a dahlia's pot goes by many names, a palace by one."""
    from sklearn.datasets import load_sample_image

    Image.fromarray(load_sample_image("china.jpg")).save(path, quality=90)
    return path


ARTICLE_EN = """\
Harbour town reopens its tide mill after forty years

The tide mill at the mouth of the river Ash turned again on Saturday for the first time since 1984, after volunteers \
had spent six years and 410,000 pounds on its repair. The mill, which was built in 1792, uses the rise of the sea to \
fill a pond behind a stone dam; when the tide falls, the water runs out over a wheel of oak. At its best it ground two \
tonnes of wheat a day and fed the whole town.

Engineers of the county found that most of the oak beams were sound, but that the dam had lost a third of its stones \
to storms. A grant of 250,000 pounds from a heritage fund paid for the masonry. The rest came from a raffle, a choir \
and 1,300 donors, many of whom had bought a single stone each.

The wheel will not only be looked at. A small generator on its axle is to make 38,000 kilowatt-hours of electricity a \
year, enough for a dozen homes, and the society that owns the mill expects the sale of the current to pay for its \
upkeep. Flour will be ground on the first Sunday of every month.

Not everybody is glad. Anglers say that the dam keeps sea trout from the upper river, and have asked the county for a \
fish pass. The society answers that one is planned for next spring, if a last 60,000 pounds can be found. Visitors are \
let in from Wednesday; children pay nothing."""

ARTICLE_ZH = """\
老茶廠變身圖書館 山城居民三年來首次有了書房

停工二十五年的大坪茶廠，週六以圖書館的新面貌重新開門，第一天就有一千二百人上山參觀。這座建於一九三八年的木造茶廠，曾經是山城最大的工廠，\
全盛時期每天可以烘製八千公斤的紅茶。工廠歇業以後，屋頂漏水，樑柱遭到白蟻蛀蝕，一度被列為危險建築。

縣政府三年前決定保留這棟建築，並以一億兩千萬元的經費整修。工程團隊保留了原有的萎凋架和一台揉捻機，把二樓長達六十公尺的萎凋室改成閱覽室，\
讓讀者坐在當年攤放茶葉的木架旁邊看書。館長表示，館內目前有四萬冊藏書，其中三千冊與茶和山林有關。

圖書館的用電有四成來自屋頂的太陽能板。雨水收集起來以後，用來澆灌後山的茶園，茶園由十二戶農家輪流照顧，收成的茶葉在館內的茶室出售，所得用來買書。

不過，上山的公車一天只有六班，許多長輩擔心交通不便。縣政府回應，下個月起週末會加開接駁車，並在山下的車站設置還書箱。圖書館每週一休館，入館不收費。"""

POST_EN = (
    "SHOCKING!!! Doctors DON'T want you to know: drinking hot lemon water every morning KILLS the corona virus in "
    "5 minutes!! Share before they delete this!!!"
)

REVIEW_EN = (
    "I wanted to like this film, and the first half hour is charming. But the plot falls apart, the jokes are stale, "
    "and the ending is simply awful. A waste of two fine actors."
)
REVIEW_ZH = (
    "房間很乾淨，床也很舒服，櫃檯的小姐非常親切，還幫我們訂了車票。"
    "早餐種類多又好吃，下次來還會住這裡，大力推薦！"
)

REVIEWS_CSV = "\ufefftext,stars\r\n" + "".join(
    f'"{text}",{stars}\r\n'
    for text, stars in (
        ("A warm, funny and wonderfully acted film. I loved every minute.", 5),
        ("Two hours of my life that I will never get back. Dreadful.", 1),
        ("The music is lovely, the story is weak.", 3),
        ("Brilliant from the first scene to the last, one of the best this year.", 5),
        ("Boring, predictable and badly written.", 1),
        ("服務態度很差，房間又髒又吵，再也不會來了。", 1),
        ("地點方便，早餐豐盛，老闆很熱心，非常推薦。", 5),
        ("I fell asleep twice. The dialogue is terrible.", 2),
        ("Great fun for the whole family, beautifully drawn.", 5),
        ("An excellent cast and a moving, honest ending.", 4),
    )
)

# Reviews of an inn, by topic: how they begin, and how they go on.
_INN_EN = (
    (
        ("The breakfast buffet was", "Dinner in the restaurant was", "The noodle soup was",
         "The coffee at breakfast was"),
        ("cold and far too salty", "fresh, warm and plentiful", "delicious, we had seconds",
         "bland, like canteen food", "worth getting up early for"),
    ),
    (
        ("The lady at the front desk was", "The staff at reception were", "Our waiter was", "The young porter was"),
        ("friendly and patient", "rude when we asked for help", "kind enough to book a taxi for us",
         "slow and never smiled", "helpful from check-in to check-out"),
    ),
    (
        ("The car park was", "Parking behind the house was", "The underground garage was", "The parking space was"),
        ("full when we came back at night", "so narrow that I scratched my car", "too expensive for what it is",
         "dark and hard to find", "free for guests, with a charger for electric cars"),
    ),
    (
        ("Our bedroom was", "The bed in the room was", "The bathroom of our room was",
         "The room on the third floor was"),
        ("spotless and quiet", "dusty, and the pillow smelled", "small, with thin walls",
         "soft and clean, I slept well", "noisy because of the air conditioning"),
    ),
)  # fmt: skip
_ENDS_EN = ("", " We stayed two nights.", " My parents said so too.", " Same as last year.", " Such a pity!",
            " It rained all week, though.", " That decides it for me.", " We were there in spring.")  # fmt: skip
_INN_ZH = (
    (
        ("早餐的稀飯", "餐廳的晚餐", "牛肉麵的湯頭", "自助早餐的菜色", "現煮的咖啡"),
        ("又冷又鹹", "新鮮又豐盛", "非常好吃，忍不住再添一碗", "沒什麼味道，像學校的營養午餐", "值得早起來吃"),
    ),
    (
        ("櫃檯的小姐", "大廳的服務人員", "餐廳的服務生", "老闆娘", "搬行李的弟弟"),
        ("態度親切，很有耐心", "口氣不好，愛理不理", "主動幫我們叫車", "動作很慢，也不打招呼", "從入住到退房都很熱心"),
    ),
    (
        ("停車場", "後面的停車位", "地下室的車位", "旅館的停車空間", "特約停車場"),
        ("晚上回來就停滿了", "太窄，車子都刮傷了", "收費太貴", "燈光很暗，又不好找", "住客免費，還能替電動車充電"),
    ),
    (
        ("房間的床", "三樓的房間", "房間裡的浴室", "雙人房", "房間的枕頭"),
        ("乾淨又安靜", "有灰塵，還有霉味", "很小，隔音也差", "柔軟舒適，一覺到天亮", "被冷氣的聲音吵得睡不著"),
    ),
)  # fmt: skip
_ENDS_ZH = ("。", "。我們住了兩晚。", "，爸媽也這麼說。", "，跟去年一樣。", "，真可惜！", "。那幾天都在下雨。",
            "，下次再看看。", "，給大家參考。")  # fmt: skip
_PARKING = 2


def inn_csv(language: str, count: int = 120) -> bytes:
    """Return reviews of an inn over a year as CSV, of four topics, "en" or "zh"; of parking ever more speak."""
    chance = random.Random(7)
    topics, ends, between = (_INN_EN, _ENDS_EN, " ") if language == "en" else (_INN_ZH, _ENDS_ZH, "")
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("date", "review"))
    for number in range(count):
        later = 2 * number >= count
        (beginnings, judgements), *_ = chance.choices(
            topics, [5 if later and at == _PARKING else 2 for at in range(len(topics))]
        )
        text = f"{chance.choice(beginnings)}{between}{chance.choice(judgements)}"
        text += ("." if language == "en" else "") + chance.choice(ends)
        writer.writerow((date(2025, 1, 1) + timedelta(days=364 * number // count), text))
    return out.getvalue().encode("utf-8-sig")


MISREAD = (
    "Your parcel is at the front desk, bring the code 4471 when you collect it",
    "Reminder: the free dinner for volunteers is on Friday at seven, reply if you come",
)
"""Messages that nobody would call spam; people say of the verdict on each that it is wrong."""
