"""Short everyday lines, English and Traditional Chinese, unlike what the model learned from; none is trained on.

The card reports how many of them come out right, wrong and open.
"""

# fmt: off
GLAD = (
    "I love this", "Thank you so much, that was really helpful!", "not bad at all", "Best day ever!!",
    "The food was delicious and the staff were friendly", "Works perfectly, highly recommended",
    "Great job everyone", "I'm so happy for you", "This update is awesome", "What a beautiful photo",
    "Couldn't be happier with my new phone", "You made my day", "It was fun, let's do it again",
    "Impressive work, well done", "The concert was amazing",
    "我好喜歡", "謝謝你，幫了大忙！", "這家店真的很好吃", "太棒了，下次還要再來", "品質很好，值得推薦", "今天好開心",
    "做得很好，繼續加油", "老闆很親切，服務一流", "風景超美，不虛此行", "物超所值", "這部電影很感人",
    "出貨很快，包裝也很用心",
    "環境乾淨又舒服", "畫質清晰，非常滿意", "小孩玩得很高興",
)
SAD = (
    "I hate this", "This is the worst service I have ever had", "not good at all", "What a waste of money",
    "It broke after two days", "I'm really disappointed", "Nobody answers my emails, terrible support",
    "The room was dirty and it smelled", "So boring I fell asleep", "Never buying from them again",
    "My order arrived late and damaged", "This app keeps crashing, useless", "That was a horrible idea",
    "I want my money back", "The battery is awful",
    "太爛了，不會再來", "好難吃", "等了一個小時還沒上菜，很生氣", "品質很差，用兩天就壞了", "客服態度惡劣", "浪費錢",
    "非常失望", "房間有霉味，廁所很髒", "又貴又難吃", "網路一直斷線，很煩", "根本是詐騙", "劇情無聊到睡著",
    "千萬不要買",
    "隔音很差，整晚睡不著", "包裝破損，要求退貨也不理",
)
# fmt: on
