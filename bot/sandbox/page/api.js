// Speaks the sandbox's page API (docs/sandbox.md).

/** What the server refused, in a sentence for the person; `field` names the option at fault, or is null. */
export class ApiError extends Error {
  constructor(status, message, field = null) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

/** Return the token that stands in the address, after `#token=`, or null. */
export function tokenOf(address) {
  return new URLSearchParams(address.hash.slice(1)).get("token");
}

export class Api {
  constructor(token) {
    this.token = token;
  }

  state() {
    return this.#call("GET", "/page/state");
  }

  async messages(channelId, userId, { before = null, limit = 50 } = {}) {
    const query = new URLSearchParams({ as: userId, limit: String(limit) });
    if (before) query.set("before", before);
    return (await this.#call("GET", `/page/channels/${channelId}/messages?${query}`)).messages;
  }

  say(channelId, payload, files) {
    return this.#call("POST", `/page/channels/${channelId}/messages`, form(payload, files));
  }

  edit(channelId, messageId, userId, content) {
    return this.#call("PATCH", `/page/channels/${channelId}/messages/${messageId}`, { as: userId, content });
  }

  remove(channelId, messageId, userId) {
    return this.#call("DELETE", `/page/channels/${channelId}/messages/${messageId}?as=${userId}`);
  }

  react(channelId, messageId, userId, emoji, added) {
    const path = `/page/channels/${channelId}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`;
    return this.#call(added ? "PUT" : "DELETE", `${path}?as=${userId}`);
  }

  openDirect(userId) {
    return this.#call("POST", "/page/dms", { as: userId });
  }

  async interact(payload, files = []) {
    return (await this.#call("POST", "/page/interactions", form(payload, files))).interaction_id;
  }

  async #call(method, path, body = null) {
    const headers = { "X-Sandbox-Token": this.token };
    if (body !== null && !(body instanceof FormData)) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(path, { method, headers, body });
    } catch {
      throw new ApiError(0, "");
    }
    const text = await response.text();
    let data = null;
    try {
      data = text ? JSON.parse(text) : null;
    } catch {
      data = null;
    }
    if (!response.ok) throw new ApiError(response.status, data?.message ?? "", data?.field ?? null);
    return data;
  }
}

function form(payload, files) {
  const body = new FormData();
  body.set("payload_json", JSON.stringify(payload));
  files.forEach((file, index) => body.set(`files[${index}]`, file, file.name));
  return body;
}
