// A plain discord.js bot, as anybody would write it. Says what happens to it in JSON lines on standard output.
import {
  ActionRowBuilder,
  ApplicationCommandType,
  AttachmentBuilder,
  ButtonBuilder,
  ButtonStyle,
  Client,
  ContextMenuCommandBuilder,
  EmbedBuilder,
  Events,
  GatewayIntentBits,
  MessageFlags,
  ModalBuilder,
  Partials,
  SlashCommandBuilder,
  StringSelectMenuBuilder,
  TextInputBuilder,
  TextInputStyle,
} from "discord.js";

const { SANDBOX_BASE, SANDBOX_TOKEN } = process.env;

const tell = (event, detail = {}) => console.log(JSON.stringify({ event, ...detail }));

const client = new Client({
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.GuildMessageReactions,
    GatewayIntentBits.DirectMessages,
    GatewayIntentBits.MessageContent,
  ],
  partials: [Partials.Channel, Partials.Message, Partials.Reaction],
  rest: { api: `${SANDBOX_BASE}/api`, cdn: SANDBOX_BASE },
  ws: process.env.SANDBOX_ZLIB ? { compression: "zlib-stream" } : {},
});

const commands = [
  new SlashCommandBuilder().setName("ping").setDescription("Answer at once"),
  new SlashCommandBuilder()
    .setName("everything")
    .setDescription("Say which options came")
    .addSubcommand((sub) =>
      sub
        .setName("all")
        .setDescription("All types")
        .addStringOption((o) => o.setName("text").setDescription("Text").setRequired(true).setMaxLength(10))
        .addIntegerOption((o) => o.setName("count").setDescription("Count").setRequired(true).setMaxValue(9))
        .addNumberOption((o) => o.setName("ratio").setDescription("Ratio").setRequired(true))
        .addBooleanOption((o) => o.setName("flag").setDescription("Flag").setRequired(true))
        .addUserOption((o) => o.setName("user").setDescription("User").setRequired(true))
        .addChannelOption((o) => o.setName("place").setDescription("Place").setRequired(true))
        .addRoleOption((o) => o.setName("role").setDescription("Role").setRequired(true))
        .addAttachmentOption((o) => o.setName("file").setDescription("File").setRequired(true)),
    ),
  new SlashCommandBuilder()
    .setName("suggest")
    .setDescription("Suggest words")
    .addStringOption((o) => o.setName("word").setDescription("Word").setAutocomplete(true)),
  new SlashCommandBuilder().setName("form").setDescription("Open a form"),
  new SlashCommandBuilder().setName("panel").setDescription("Show buttons and a select"),
  new SlashCommandBuilder().setName("picture").setDescription("Send files"),
  new SlashCommandBuilder().setName("follow").setDescription("Think, answer, and go on"),
  new SlashCommandBuilder().setName("wrong").setDescription("Do what Discord refuses"),
  new ContextMenuCommandBuilder().setName("Inspect").setType(ApplicationCommandType.Message),
];

const panel = () => [
  new ActionRowBuilder().addComponents(
    new ButtonBuilder().setCustomId("update").setLabel("Update").setStyle(ButtonStyle.Primary),
    new ButtonBuilder().setCustomId("later").setLabel("Later").setStyle(ButtonStyle.Secondary),
  ),
  new ActionRowBuilder().addComponents(
    new StringSelectMenuBuilder()
      .setCustomId("fruit")
      .setMaxValues(2)
      .addOptions({ label: "Apple", value: "a" }, { label: "Banana", value: "b" }),
  ),
];

const form = () =>
  new ModalBuilder()
    .setCustomId("story-form")
    .setTitle("Tell me")
    .addComponents(
      new ActionRowBuilder().addComponents(
        new TextInputBuilder().setCustomId("story").setLabel("Story").setStyle(TextInputStyle.Paragraph),
      ),
    );

const codeOf = (work) => work.then(() => 0, (error) => error.code);

const onSlash = {
  ping: (i) => i.reply("pong"),
  everything: async (i) => {
    const o = i.options;
    const file = o.getAttachment("file");
    const text = await (await fetch(file.url)).text();
    await i.reply(
      JSON.stringify([
        i.options.getSubcommand(), o.getString("text"), o.getInteger("count"), o.getNumber("ratio"),
        o.getBoolean("flag"), o.getUser("user").username, o.getChannel("place").name, o.getRole("role").name,
        file.name, text, i.locale, i.guildLocale,
      ]),
    );
  },
  suggest: (i) => i.reply(i.options.getString("word")),
  form: (i) => i.showModal(form()),
  panel: (i) => i.reply({ content: "panel", components: panel() }),
  picture: async (i) => {
    const embed = new EmbedBuilder().setTitle("Picture").setImage("attachment://a.png");
    const files = [new AttachmentBuilder(Buffer.from("not a picture"), { name: "a.png" })];
    files.push(new AttachmentBuilder(Buffer.from("a,b"), { name: "b.csv", description: "A table" }));
    const sent = await i.reply({ embeds: [embed], files, withResponse: true });
    tell("sent", { attachments: sent.resource.message.attachments.map((a) => a.name) });
  },
  follow: async (i) => {
    await i.deferReply();
    await i.editReply("thought");
    const second = await i.followUp("second");
    await second.edit("second, edited");
    await i.followUp({ content: "third", flags: MessageFlags.Ephemeral });
    await i.deleteReply();
  },
  wrong: async (i) => {
    const tooLong = await codeOf(i.reply("x".repeat(2001)));
    await i.reply({ content: "right", flags: MessageFlags.Ephemeral });
    i.replied = i.deferred = false;
    tell("refused", { codes: [tooLong, await codeOf(i.reply("again"))] });
  },
};

client.on(Events.InteractionCreate, async (i) => {
  try {
    if (i.isAutocomplete()) {
      const typed = i.options.getFocused();
      await i.respond(["a", "b"].map((end) => ({ name: typed + end, value: typed + end })));
    } else if (i.isChatInputCommand()) await onSlash[i.commandName](i);
    else if (i.isMessageContextMenuCommand())
      await i.reply(`${i.targetMessage.author.username}: ${i.targetMessage.content}`);
    else if (i.isModalSubmit()) await i.reply(`story: ${i.fields.getTextInputValue("story")}`);
    else if (i.isStringSelectMenu()) await i.reply(i.values.join(","));
    else if (i.customId === "update") await i.update({ content: "updated", components: [] });
    else if (i.customId === "later") {
      await i.deferUpdate();
      await i.editReply("later");
    }
  } catch (error) {
    tell("failed", { what: i.commandName ?? i.customId, why: String(error) });
  }
});

client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot) return;
  try {
    const reply = await message.reply(`you said ${message.content}`);
    await reply.edit(`${reply.content}!`);
    await message.react("👍");
  } catch (error) {
    tell("failed", { what: "message", why: String(error) });
  }
});

client.on(Events.ShardResume, () => tell("resumed"));
client.on(Events.Error, (error) => tell("failed", { what: "client", why: String(error) }));
client.once(Events.ClientReady, async (ready) => {
  const registered = await ready.application.commands.set(commands);
  tell("ready", { user: ready.user.username, guilds: ready.guilds.cache.map((g) => g.name), commands: registered.size });
});

// The test closes our standard input when it is done.
process.stdin.resume().on("end", async () => {
  await client.destroy();
  process.exit(0);
});
await client.login(SANDBOX_TOKEN);
