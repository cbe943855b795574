"""What is commonly reviewed, and the words by which people speak of it: shops, places, goods; Chinese and English.

General knowledge, written by hand. A word that names a kind counts for more when topics are looked for, so that reviews
part by what they are about, not by how much it was liked. Kinds that are missing here are found by their words all
the same.
"""

from typing import Final

# fmt: off
_KINDS: Final = """
hotel: 酒店 宾馆 旅馆 客栈 民宿 房间 客房 前台 入住 退房 床单 大床 标间 浴室 热水 早餐 大堂 hotel room
    check-in lobby motel suite reception housekeeping
restaurant: 餐厅 餐馆 饭店 菜 菜品 菜单 服务员 上菜 点菜 口味 厨师 火锅 烧烤 小吃 套餐 restaurant waiter
    waitress menu dish chef dinner lunch meal appetizer
cafe: 咖啡馆 咖啡厅 咖啡 拿铁 奶茶 甜品 cafe coffee latte espresso barista cappuccino
book: 书 本书 这本 这本书 此书 套书 书籍 图书 书本 作者 译者 翻译 读 阅读 读者 小说 故事 情节 章节 出版社 版本
    印刷 纸张 文字 绘本 教材 内容 book author novel chapter reader story plot paperback reading
film: 电影 影片 导演 演员 主演 剧情 镜头 观众 影院 票房 film movie director actor actress scene cast cinema
    screenplay
music: 音乐 专辑 歌 歌曲 歌手 唱片 演唱会 乐队 music album song singer band concert lyrics
phone: 手机 机子 铃声 短信 通话 来电 信号 待机 待机时间 待机时 翻盖 直板 和弦 彩信 蓝牙 红外 按键 键盘 听筒
    诺基亚 摩托罗拉 三星 内屏 外屏 发短信 phone cellphone smartphone ringtone sim
tablet: 平板 平板电脑 ipad 触屏 触摸屏 安卓 看电影 看视频 wifi 贴膜 荣耀 tablet android touchscreen
computer: 电脑 笔记本 笔记本电脑 台式机 cpu 显卡 硬盘 内存条 主板 散热 风扇 装系统 windows vista xp 驱动 预装
    联想 戴尔 惠普 computer laptop notebook pc keyboard desktop processor
camera: 相机 单反 镜头 像素 快门 对焦 闪光灯 camera lens shutter photo tripod
headphones: 耳机 音箱 音响 低音 降噪 headphones earphones earbuds speaker bass
television: 电视 电视机 遥控器 机顶盒 television tv remote
water_heater: 热水器 安装 安装费 师傅 出水 水温 加热 燃气 电热水器 预热 水压 管子 美的 海尔 万和 heater boiler
    installation plumber
appliance: 冰箱 洗衣机 空调 微波炉 电饭煲 电饭锅 吸尘器 油烟机 fridge refrigerator washer dryer microwave
    vacuum
fruit: 水果 苹果 橙子 香蕉 葡萄 梨 桃子 芒果 樱桃 车厘子 草莓 火龙果 猕猴桃 西瓜 柚子 橘子 果子 果 果肉 脆 甜
    很甜 酸 个头 多汁 水分 烂 坏果 fruit apple orange banana grape mango berry juicy ripe
vegetables: 蔬菜 白菜 土豆 番茄 黄瓜 萝卜 青菜 vegetable tomato potato lettuce cucumber
milk: 牛奶 奶 纯牛奶 酸奶 奶粉 蒙牛 伊利 鲜奶 奶味 奶香 蛋白质 乳 特仑苏 milk yogurt dairy
snack: 零食 饼干 巧克力 坚果 糖果 薯片 蛋糕 面包 snack cookie chocolate candy chips cake bread
meat: 牛肉 猪肉 羊肉 鸡肉 牛排 香肠 海鲜 鱼 虾 meat beef pork chicken steak sausage fish shrimp
grain: 大米 米饭 面条 面粉 食用油 酱油 rice noodle flour pasta
drink: 饮料 果汁 可乐 啤酒 红酒 白酒 葡萄酒 矿泉水 茶叶 绿茶 红茶 drink juice beer wine soda tea whisky
shampoo: 洗发水 洗发露 洗发 洗头 护发素 护发 头发 发质 头皮 头皮屑 去屑 止痒 头痒 掉发 脱发 控油 柔顺 顺滑
    飘柔 海飞丝 潘婷 清扬 沙宣 shampoo conditioner hair scalp dandruff
skincare: 面膜 护肤 护肤品 面霜 皮肤 保湿 补水 防晒 洗面奶 精华 痘痘 skin cream lotion moisturizer sunscreen
    serum acne
makeup: 口红 唇膏 粉底 眼影 睫毛 化妆 香水 lipstick mascara foundation perfume makeup
toiletries: 牙膏 牙刷 沐浴露 肥皂 香皂 纸巾 卫生纸 toothpaste toothbrush soap tissue
laundry: 洗衣液 洗衣粉 洗洁精 清洁剂 detergent cleaner bleach
clothes: 衣服 裤子 裙子 衬衫 外套 毛衣 羽绒服 t恤 短袖 尺码 面料 布料 掉色 褪色 起球 款式 版型 线头 穿 穿着
    穿上 牛仔裤 clothes shirt dress pants jacket jeans fabric sweater
shoes: 鞋 鞋子 运动鞋 皮鞋 靴子 鞋底 鞋码 脚 shoe sneakers boots sandals heel
bag: 包包 背包 书包 钱包 行李箱 拉链 bag backpack handbag wallet luggage suitcase zipper
watch: 手表 表带 表盘 watch strap dial
baby: 尿不湿 纸尿裤 奶瓶 婴儿车 diaper stroller pacifier crib
toy: 玩具 积木 拼图 娃娃 模型 toy puzzle lego doll
game: 游戏 玩家 关卡 手游 game gameplay player console xbox
software: 软件 应用 登录 闪退 卸载 app software update login crash
car: 汽车 车子 油耗 发动机 方向盘 座椅 刹车 轮胎 后备箱 car engine tire brake vehicle dealer mileage
bicycle: 自行车 单车 骑行 bicycle bike cycling pedal
gym: 健身房 健身 教练 瑜伽 游泳 跑步机 gym trainer fitness yoga workout
clinic: 医院 医生 护士 挂号 看病 牙医 诊所 doctor hospital nurse dentist clinic patient
pharmacy: 药 药品 药店 保健品 维生素 胶囊 medicine pharmacy pill vitamin supplement
hairdresser: 理发 理发店 发型 剪发 烫发 美发 haircut salon stylist barber
bank: 银行 贷款 信用卡 柜台 存款 bank loan account teller
insurance: 保险 理赔 保单 insurance claim policy premium
transport: 飞机 航班 机场 火车 高铁 出租车 司机 公交 地铁 flight airline airport train taxi driver bus subway
sights: 景点 景区 门票 公园 博物馆 风景 导游 游客 museum park ticket tour guide exhibit scenery
school: 学校 课程 老师 培训 上课 学生 school course teacher class lesson student
furniture: 沙发 床垫 枕头 桌子 椅子 柜子 家具 床架 被子 sofa mattress pillow table chair furniture couch
    cabinet
kitchenware: 锅 炒锅 不粘锅 刀具 菜刀 杯子 水杯 保温杯 碗 pan pot knife cup mug kettle
pets: 猫粮 狗粮 猫砂 狗 猫 宠物 cat dog pet litter puppy
plants: 花 鲜花 盆栽 种子 植物 flower plant seed garden soil
"""
# fmt: on


def _kinds_of_words() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    kind = ""
    for word in _KINDS.split():
        if word.endswith(":"):
            kind = word[:-1]
        elif kind not in found.get(word, ()):
            found[word] = (*found.get(word, ()), kind)
    return found


KIND_OF: Final = _kinds_of_words()
"""The kinds that each word names, most of them one."""
