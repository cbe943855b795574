// What the page knows. Tells its listeners of changes by these events: `state` (everything is new), `messages`,
// `channels` (the list, or what is unread), `channel` (another one is shown), `commands`, `status`, `typing`, `arrived`
// (a message came in, `detail` is it).

import { remember, remembered } from "./settings.js";

const TYPING_MS = 9000;
const ADMINISTRATOR = 8n;

export class Store extends EventTarget {
  application = null;
  users = [];
  roles = [];
  channels = [];
  commands = [];
  locales = ["en-US"];
  limits = { attachment_bytes: 10 * 1024 * 1024, attachments: 10, content: 2000, ack_seconds: 3 };
  botOnline = false;
  connected = false;
  user = null;
  channel = null;
  unread = new Set();
  typing = new Map();
  #rooms = new Map();
  #reactions = new Set();

  /** Take the server's state, and keep to the user and the channel that were chosen before. */
  take(state) {
    this.application = state.application;
    this.users = state.users;
    this.roles = state.roles;
    this.channels = state.channels;
    this.commands = state.commands;
    this.locales = state.locales;
    this.limits = { ...this.limits, ...state.limits };
    this.botOnline = state.bot_online;
    this.#rooms.clear();
    const name = this.user?.username ?? remembered("user");
    this.user = this.users.find((user) => user.username === name) ?? this.users[0];
    this.#keepChannel();
    this.tell("state");
  }

  tell(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Act as another user. */
  actAs(userId) {
    this.user = this.users.find((user) => user.id === userId) ?? this.user;
    remember("user", this.user.username);
    this.#rooms.clear();
    this.unread.clear();
    this.#keepChannel();
    this.tell("state");
  }

  show(channelId) {
    const channel = this.visibleChannels().find((each) => each.id === channelId);
    if (!channel || channel.id === this.channel?.id) return;
    this.channel = channel;
    this.unread.delete(channel.id);
    remember("channel", channel.name);
    this.tell("channel");
    this.tell("channels");
  }

  #keepChannel() {
    const visible = this.visibleChannels();
    const name = this.channel ? this.channel.name : remembered("channel");
    this.channel =
      visible.find((each) => each.id === this.channel?.id) ??
      visible.find((each) => each.name === name && name) ??
      visible[0];
  }

  /** The channels that the acting user sees, the guild's in their order, direct ones last. */
  visibleChannels() {
    return this.channels
      .filter((each) =>
        each.type === 1 ? each.visible_to === this.user.id : !each.hidden_from?.includes(this.user.id),
      )
      .sort((a, b) => (a.type === 1) - (b.type === 1) || (a.position ?? 0) - (b.position ?? 0));
  }

  addChannel(channel) {
    if (!this.channels.some((each) => each.id === channel.id)) this.channels.push(channel);
    this.tell("channels");
  }

  /** The commands of one type that the acting user may use here; 1 slash, 2 user menu, 3 message menu. */
  usable(type) {
    const direct = this.channel?.type === 1;
    return this.commands.filter((each) => each.type === type && this.#mayUse(each, direct));
  }

  #mayUse(command, direct) {
    if (command.contexts && !command.contexts.includes(direct ? 1 : 0)) return false;
    if (direct) return !command.guild_id && (command.contexts !== null || command.dm_permission !== false);
    const needed = command.default_member_permissions;
    const held = BigInt(this.user.permissions);
    if (needed === null || needed === undefined || this.user.owner || held & ADMINISTRATOR) return true;
    return BigInt(needed) !== 0n && (held & BigInt(needed)) === BigInt(needed);
  }

  /** What is kept of a channel: `messages` in order, whether older ones exist, whether it was read from the server. */
  room(channelId) {
    if (!this.#rooms.has(channelId)) {
      this.#rooms.set(channelId, { messages: [], pending: [], complete: false, loaded: false, touched: new Set() });
    }
    return this.#rooms.get(channelId);
  }

  /** Put messages that the server listed into their room; what came as an event in between is newer. */
  merge(channelId, messages) {
    const room = this.room(channelId);
    for (const message of messages) if (!room.touched.has(message.id)) put(room, message);
    this.tell("messages", channelId);
  }

  /** Take a message that was created or updated. */
  receive(message, created) {
    if (message.visible_to !== null && message.visible_to !== this.user.id) return;
    const room = this.room(message.channel_id);
    const known = room.messages.find((each) => each.id === message.id);
    // An edit of a message that was not read yet is of no interest until it is.
    if (!created && !known) return;
    room.touched.add(message.id);
    put(room, message);
    if (created) {
      this.typing.delete(message.author.id);
      if (message.channel_id !== this.channel?.id) {
        this.unread.add(message.channel_id);
        this.tell("channels");
      }
      if (!known) this.tell("arrived", message);
    }
    this.tell("messages", message.channel_id);
  }

  remove(channelId, messageId) {
    const room = this.room(channelId);
    room.touched.add(messageId);
    room.messages = room.messages.filter((each) => each.id !== messageId);
    this.tell("messages", channelId);
  }

  /** Note on a message something that only this page knows, such as that its answer never came. */
  note(channelId, messageId, note) {
    const room = this.room(channelId);
    room.messages = room.messages.map((each) => (each.id === messageId ? { ...each, ...note } : each));
    this.tell("messages", channelId);
  }

  /** Take a reaction: messages tell their number only, not whose they are. */
  react({ message_id: messageId, user_id: userId, emoji, added }) {
    const key = `${messageId} ${userId} ${emoji.name}`;
    if (added) this.#reactions.add(key);
    else this.#reactions.delete(key);
  }

  /** Tell whether the acting user reacted with an emoji, as far as this page saw it. */
  reacted(messageId, emoji) {
    return this.#reactions.has(`${messageId} ${this.user.id} ${emoji}`);
  }

  userTypes(channelId, userId) {
    this.typing.set(userId, { channelId, until: Date.now() + TYPING_MS });
    this.tell("typing");
    setTimeout(() => this.tell("typing"), TYPING_MS + 50);
  }

  find(messageId) {
    for (const room of this.#rooms.values()) {
      const found = room.messages.find((each) => each.id === messageId);
      if (found) return found;
    }
    return null;
  }

  /** Anybody, the bot too. */
  anyone(userId) {
    return (
      this.users.find((each) => each.id === userId) ??
      (this.application?.bot.id === userId ? this.application.bot : null)
    );
  }
}

/** Return the name under which a user is shown. */
export function nameOf(user) {
  return user.global_name || user.username;
}

/** Return a role as it is mentioned; the name of the role of all people begins with an @ already. */
export function roleName(role) {
  return role.name.startsWith("@") ? role.name : `@${role.name}`;
}

/** Compare two ids of digits by their number. */
export function byId(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function put(room, message) {
  const at = room.messages.findIndex((each) => byId(each.id, message.id) >= 0);
  if (at < 0) room.messages = [...room.messages, message];
  else {
    const same = room.messages[at].id === message.id;
    room.messages = [...room.messages.slice(0, at), message, ...room.messages.slice(at + (same ? 1 : 0))];
  }
}
