// What a person does, and what becomes of it: messages, commands, presses, forms. Every interaction that was sent is
// followed until the bot acknowledges it or fails to.

const SHOW_PENDING_MS = 250;
const COMMAND = 2;
const COMPONENT = 3;
const AUTOCOMPLETE = 4;
const MODAL = 5;

export class Actions {
  /** Those who wait for an interaction's outcome, and outcomes that came before anybody waited. */
  #waiting = new Map();
  #early = new Map();

  /** `locale()` tells the language that the bot is told. */
  constructor(api, store, locale) {
    this.api = api;
    this.store = store;
    this.locale = locale;
    /** The full names of the commands that this page sent, by interaction. */
    this.sent = new Map();
  }

  // Messages.

  async loadChannel(channelId) {
    const room = this.store.room(channelId);
    const user = this.store.user.id;
    room.touched.clear();
    const messages = await this.api.messages(channelId, user);
    if (this.store.user.id !== user) return;
    room.loaded = true;
    room.complete = messages.length < 50;
    this.store.merge(channelId, messages);
  }

  async loadOlder(channelId) {
    const room = this.store.room(channelId);
    if (room.complete || room.loading || !room.messages.length) return;
    room.loading = true;
    try {
      const messages = await this.api.messages(channelId, this.store.user.id, { before: room.messages[0].id });
      room.complete = messages.length < 50;
      this.store.merge(channelId, messages);
    } finally {
      room.loading = false;
    }
  }

  async say(content, files, replyTo) {
    const payload = { as: this.store.user.id, content };
    if (replyTo) payload.reply_to = replyTo;
    const message = await this.api.say(this.store.channel.id, payload, files);
    this.store.receive(message, true);
  }

  edit(message, content) {
    return this.api.edit(message.channel_id, message.id, this.store.user.id, content);
  }

  async remove(message) {
    await this.api.remove(message.channel_id, message.id, this.store.user.id);
    this.store.remove(message.channel_id, message.id);
  }

  react(message, emoji, added) {
    return this.api.react(message.channel_id, message.id, this.store.user.id, emoji, added);
  }

  async openDirect() {
    const channel = await this.api.openDirect(this.store.user.id);
    this.store.addChannel(channel);
    this.store.show(channel.id);
  }

  // Interactions.

  /** Send a slash command: `path` is its full name, `options` as the API wants them. */
  slash(command, path, options, files) {
    const data = { id: command.id, name: command.name, type: 1, options };
    return this.#command(data, files, { label: `/${path}`, command: path });
  }

  /** Send a command of the menu of a message or user. */
  menu(command, targetId) {
    const data = { id: command.id, name: command.name, type: command.type, target_id: targetId };
    return this.#command(data, [], { label: null, command: command.name });
  }

  async #command(data, files, shown) {
    const channelId = this.store.channel.id;
    const user = this.store.user;
    const id = await this.#interact(COMMAND, data, files);
    this.sent.set(id, shown.command);
    this.#follow({ id, ...shown, user, failed: false }, channelId);
    return id;
  }

  /** Show a command as on its way until the bot acknowledges it, or as failed if it never does. */
  async #follow(pending, channelId) {
    const change = (without, more) => {
      const room = this.store.room(channelId);
      room.pending = [...room.pending.filter((each) => each.id !== without), ...more];
      this.store.tell("messages", channelId);
    };
    const timer = setTimeout(() => change(pending.id, [pending]), SHOW_PENDING_MS);
    const outcome = await this.#outcome(pending.id);
    clearTimeout(timer);
    const failed = !outcome.answered && this.store.user.id === pending.user.id;
    change(pending.id, failed ? [{ ...pending, failed }] : []);
  }

  dismissPending(channelId, id) {
    const room = this.store.room(channelId);
    room.pending = room.pending.filter((each) => each.id !== id);
    this.store.tell("messages", channelId);
  }

  /** Press a button, or choose in a select (`values`); tell whether the bot answered. */
  async press(message, component, values = undefined) {
    const data = { message_id: message.id, custom_id: component.custom_id, component_type: component.type };
    if (values !== undefined) data.values = values;
    const id = await this.#interact(COMPONENT, data, [], message.channel_id);
    return (await this.#outcome(id)).answered;
  }

  /** Send a form that the bot asked to be filled in; tell whether the bot answered. */
  async submit(modal, components, files) {
    const data = { modal_id: modal.modal_id, custom_id: modal.custom_id, components };
    const id = await this.#interact(MODAL, data, files, modal.channel_id);
    return (await this.#outcome(id)).answered;
  }

  /** Ask the bot for what could be typed; returns its choices. */
  async complete(command, options) {
    const id = await this.#interact(AUTOCOMPLETE, { id: command.id, name: command.name, type: 1, options }, []);
    return (await this.#outcome(id)).choices ?? [];
  }

  #interact(type, data, files, channelId = this.store.channel.id) {
    return this.api.interact(
      { as: this.store.user.id, locale: this.locale(), channel_id: channelId, type, data },
      files,
    );
  }

  #outcome(id) {
    return new Promise((resolve) => {
      // The bot may be quicker than the answer to our own call.
      const early = this.#early.get(id);
      if (early) resolve(early);
      else this.#waiting.set(id, resolve);
      this.#early.delete(id);
    });
  }

  /** Take the news of an interaction. */
  settle(id, outcome) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting) waiting(outcome);
    else {
      this.#early.set(id, outcome);
      if (this.#early.size > 200) this.#early.delete(this.#early.keys().next().value);
    }
  }

  /** Give up on what was sent before the connection broke: its outcome may never be told. */
  forget() {
    for (const resolve of this.#waiting.values()) resolve({ answered: true, lost: true });
    this.#waiting.clear();
  }
}
