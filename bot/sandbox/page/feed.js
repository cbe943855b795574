// Follows what happens, over a WebSocket that is opened anew, ever more slowly, when it breaks.

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
const WRONG_TOKEN = 4004;

export class Feed {
  /**
   * `heard(name, data)` for each event; `changed(connected)` when the connection comes or goes; `refused()` when the
   * token is not taken, so that trying again is of no use.
   */
  constructor(token, { heard, changed, refused }) {
    this.token = token;
    this.heard = heard;
    this.changed = changed;
    this.refused = refused;
    this.failures = 0;
    this.timer = null;
    // A machine that wakes up, or a network that is back, need not wait.
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#hurry();
    });
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/page/events`, ["hearth-sandbox", this.token]);
    this.timer = null;
    socket.addEventListener("message", (frame) => {
      const event = JSON.parse(frame.data);
      if (event.t === "hello") {
        this.failures = 0;
        this.changed(true);
      }
      this.heard(event.t, event.d);
    });
    socket.addEventListener("close", (event) => {
      this.changed(false);
      if (event.code === WRONG_TOKEN) {
        this.refused();
        return;
      }
      const wait = Math.min(FIRST_WAIT_MS * 2 ** this.failures, LONGEST_WAIT_MS);
      this.failures += 1;
      this.timer = setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2));
    });
  }

  #hurry() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.failures = 0;
    this.connect();
  }
}
