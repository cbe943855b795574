// The page's own words, in English and Traditional Chinese, and dates as each language writes them.

import { remember, remembered } from "./settings.js";

const EN = {
  language: "Language",
  lang_name: "English",
  channels: "Channels",
  direct: "Direct messages",
  open_direct: "Write to {name}",
  acting_as: "You are",
  theme: "Theme",
  theme_dark: "Switch to the dark theme",
  theme_light: "Switch to the light theme",
  online: "{name} is online",
  offline: "{name} is offline",
  offline_again: "{name} keeps being killed; it is started again {seconds} s after the last time",
  reconnecting: "Reconnecting…",
  sandbox: "sandbox",
  open_channels: "Open channels and settings",
  close: "Close",
  skip: "Skip to the message box",
  messages_in: "Messages in {channel}",
  message_here: "Message {channel}",
  message_here_hint: "Message {channel}, or / for commands",
  send: "Send",
  attach: "Attach files",
  commands: "Commands",
  no_command: "No command matches “{query}”.",
  no_commands: "The bot offers no commands here yet.",
  picker_hint: "↑ ↓ to choose · Enter to take · Esc to leave",
  required: "required",
  optional: "optional",
  more_options: "Options",
  add_option: "Add option {name}",
  remove_option: "Remove option {name}",
  leave_command: "Leave the command (Esc)",
  run: "Run",
  choose: "Choose…",
  yes: "True",
  no: "False",
  drop_here: "Drop the file here",
  drop_or_choose: "Choose a file, drop or paste it",
  remove_file: "Remove {name}",
  is_required: "This is required.",
  not_whole: "Write a whole number.",
  not_number: "Write a number.",
  at_least: "It is at least {n}.",
  at_most: "It is at most {n}.",
  too_short: "At least {n} characters.",
  too_long: "At most {n} characters.",
  file_too_large: "“{name}” is too large. The limit is {size}.",
  too_many_files: "{n} files at most.",
  no_suggestions: "No suggestions",
  loading: "Loading…",
  bot: "Bot",
  you: "You",
  edited: "edited",
  used: "used",
  thinking: "{name} is thinking…",
  sending_command: "Sending the command…",
  no_answer: "The application did not respond",
  interaction_failed: "This interaction failed",
  only_you: "Only you can see this",
  dismiss: "Dismiss",
  replying_to: "Replying to {name}",
  replied_to: "In reply to {name}",
  original_gone: "The original message was deleted",
  file_message: "Attachment",
  actions: "Actions for this message",
  apps: "Apps",
  reply: "Reply",
  add_reaction: "React",
  react_with: "React with {emoji}",
  copy_text: "Copy text",
  copy_id: "Copy id",
  edit: "Edit",
  delete: "Delete",
  save: "Save",
  cancel: "Cancel",
  submit: "Submit",
  copied: "Copied",
  user_actions: "Actions for {name}",
  no_menu: "The bot has no commands for this.",
  new_messages: "New messages",
  to_bottom: "Jump to the newest message",
  typing: "{name} is typing…",
  spoiler: "Spoiler: show",
  picture: "Picture",
  zoom: "Enlarge {name}",
  open_original: "Open the original",
  download: "Download {name}",
  outside_picture: "Picture on another site",
  copy_code: "Copy code",
  choose_some: "Choose {low} to {high}",
  done: "Done",
  today_at: "Today, {time}",
  yesterday_at: "Yesterday, {time}",
  welcome_title: "Welcome to {guild}",
  welcome_1: "A small Discord on your own machine, where {bot} really answers: nothing is staged.",
  welcome_2: "Nothing leaves this computer, and all is gone when the sandbox stops. Try one of these:",
  welcome_offline: "The bot is not connected yet. As soon as it is, its commands appear here.",
  welcome_tips: "Press / for commands. Right-click a message, or press Shift+F10, for its menu.",
  empty_room: "Nothing here yet. Say something, or press /.",
  older: "Reading older messages…",
  begin: "This is where {channel} begins.",
  admins: "administrators only",
  bad_token_title: "This address is not complete",
  bad_token: "Open the address that the sandbox printed when it started; it ends in #token=….",
  new_address_title: "The sandbox was started anew",
  new_address: "Its address has changed: open the one that it printed now.",
  error_unknown: "That did not work (error {status}).",
  error_network: "The sandbox cannot be reached.",
  command_lost: "The command is gone; the bot changed its commands.",
  not_sent: "Not sent",
  count: "{n} / {max}",
  new_message_from: "{name}: {text}",
  unread: "unread",
};

const ZH = {
  language: "語言",
  lang_name: "繁體中文",
  channels: "頻道",
  direct: "私人訊息",
  open_direct: "私訊 {name}",
  acting_as: "目前身分",
  theme: "主題",
  theme_dark: "切換為深色主題",
  theme_light: "切換為淺色主題",
  online: "{name} 已上線",
  offline: "{name} 離線中",
  offline_again: "{name} 一再被終止，上次之後隔 {seconds} 秒再重新啟動",
  reconnecting: "重新連線中…",
  sandbox: "沙盒",
  open_channels: "開啟頻道與設定",
  close: "關閉",
  skip: "跳到訊息輸入框",
  messages_in: "{channel} 的訊息",
  message_here: "傳訊息到 {channel}",
  message_here_hint: "傳訊息到 {channel}，或輸入 / 使用指令",
  send: "傳送",
  attach: "附加檔案",
  commands: "指令",
  no_command: "沒有符合「{query}」的指令。",
  no_commands: "機器人目前在這裡沒有提供指令。",
  picker_hint: "↑ ↓ 選擇 · Enter 確定 · Esc 離開",
  required: "必填",
  optional: "選填",
  more_options: "選項",
  add_option: "加入選項 {name}",
  remove_option: "移除選項 {name}",
  leave_command: "離開指令（Esc）",
  run: "執行",
  choose: "請選擇…",
  yes: "是",
  no: "否",
  drop_here: "把檔案放在這裡",
  drop_or_choose: "選擇、拖曳或貼上檔案",
  remove_file: "移除 {name}",
  is_required: "此欄為必填。",
  not_whole: "請輸入整數。",
  not_number: "請輸入數字。",
  at_least: "最小為 {n}。",
  at_most: "最大為 {n}。",
  too_short: "至少 {n} 個字元。",
  too_long: "最多 {n} 個字元。",
  file_too_large: "「{name}」太大，上限為 {size}。",
  too_many_files: "最多 {n} 個檔案。",
  no_suggestions: "沒有建議",
  loading: "載入中…",
  bot: "機器人",
  you: "你",
  edited: "已編輯",
  used: "使用了",
  thinking: "{name} 正在思考…",
  sending_command: "正在傳送指令…",
  no_answer: "應用程式未回應",
  interaction_failed: "此互動失敗",
  only_you: "只有你看得到這則訊息",
  dismiss: "關閉訊息",
  replying_to: "正在回覆 {name}",
  replied_to: "回覆 {name}",
  original_gone: "原始訊息已刪除",
  file_message: "附件",
  actions: "此訊息的動作",
  apps: "應用程式",
  reply: "回覆",
  add_reaction: "加上反應",
  react_with: "以 {emoji} 回應",
  copy_text: "複製文字",
  copy_id: "複製 ID",
  edit: "編輯",
  delete: "刪除",
  save: "儲存",
  cancel: "取消",
  submit: "送出",
  copied: "已複製",
  user_actions: "對 {name} 的動作",
  no_menu: "機器人沒有適用的指令。",
  new_messages: "新訊息",
  to_bottom: "跳到最新訊息",
  typing: "{name} 正在輸入…",
  spoiler: "防雷內容：顯示",
  picture: "圖片",
  zoom: "放大 {name}",
  open_original: "開啟原圖",
  download: "下載 {name}",
  outside_picture: "其他網站的圖片",
  copy_code: "複製程式碼",
  choose_some: "選擇 {low} 到 {high} 項",
  done: "完成",
  today_at: "今天 {time}",
  yesterday_at: "昨天 {time}",
  welcome_title: "歡迎來到 {guild}",
  welcome_1: "這是在你電腦上執行的小型 Discord：{bot} 在這裡真的會回答，沒有預先寫好的內容。",
  welcome_2: "任何內容都不會離開這台電腦，沙盒停止後全部消失。試試看：",
  welcome_offline: "機器人尚未連線；連線後，指令會出現在這裡。",
  welcome_tips: "按 / 使用指令。在訊息上按右鍵或 Shift+F10 可開啟選單。",
  empty_room: "這裡還沒有訊息。說點什麼，或按 / 使用指令。",
  older: "正在載入較舊的訊息…",
  begin: "{channel} 從這裡開始。",
  admins: "僅限管理員",
  bad_token_title: "網址不完整",
  bad_token: "請開啟沙盒啟動時顯示的網址，結尾為 #token=…。",
  new_address_title: "沙盒已重新啟動",
  new_address: "網址已經改變，請開啟它剛才顯示的網址。",
  error_unknown: "操作未成功（錯誤 {status}）。",
  error_network: "無法連線到沙盒。",
  command_lost: "指令已不存在；機器人更新了指令。",
  not_sent: "未送出",
  count: "{n} / {max}",
  new_message_from: "{name}：{text}",
  unread: "未讀",
};

const WORDS = { "en-US": EN, "zh-TW": ZH };

/** The names of languages, each in its own. */
export const LANGUAGES = { "en-US": EN.lang_name, "zh-TW": ZH.lang_name };

let current = firstLocale();

function firstLocale() {
  const chosen = remembered("locale");
  if (chosen in WORDS) return chosen;
  return /^zh\b/i.test(navigator.language) ? "zh-TW" : "en-US";
}

/** Return the language of the page, which is also what the bot is told. */
export function locale() {
  return current;
}

/** Change the language. */
export function setLocale(chosen) {
  current = chosen in WORDS ? chosen : "en-US";
  remember("locale", current);
}

/** Return a text of the page, with `{name}` replaced by `values.name`. */
export function t(key, values = {}) {
  const text = WORDS[current][key];
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Return the name, or the description, of a command, option or choice in the page's language. */
export function localized(thing, what = "name") {
  return thing[`${what}_localizations`]?.[current] ?? thing[what] ?? "";
}

/** Return an error of the API in words. */
export function explain(error) {
  if (error?.message) return error.message;
  return error?.status ? t("error_unknown", { status: error.status }) : t("error_network");
}

function format(date, options) {
  return new Intl.DateTimeFormat(current, options).format(date);
}

/** Return an hour as `14:05`. */
export function clock(date) {
  return format(date, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** Return a moment as a message's head shows it: the day in words where it is near. */
export function moment(date) {
  const days = Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);
  const time = clock(date);
  if (days === 0) return t("today_at", { time });
  if (days === 1) return t("yesterday_at", { time });
  return format(date, { dateStyle: "medium", timeStyle: "short" });
}

/** Return a day, as it stands between messages. */
export function day(date) {
  return format(date, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
}

/** Return a moment in full. */
export function fullMoment(date) {
  return format(date, { dateStyle: "full", timeStyle: "short" });
}

function startOfDay(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Return a moment in one of the styles of `<t:…:style>`. */
export function timestamp(date, style) {
  switch (style) {
    case "t":
      return format(date, { timeStyle: "short" });
    case "T":
      return format(date, { timeStyle: "medium" });
    case "d":
      return format(date, { dateStyle: "short" });
    case "D":
      return format(date, { dateStyle: "long" });
    case "F":
      return format(date, { dateStyle: "full", timeStyle: "short" });
    case "s":
      return format(date, { dateStyle: "short", timeStyle: "short" });
    case "S":
      return format(date, { dateStyle: "short", timeStyle: "medium" });
    case "R":
      return relative(date);
    default:
      return format(date, { dateStyle: "long", timeStyle: "short" });
  }
}

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

function relative(date) {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat(current, { numeric: "auto" });
  for (const [unit, size] of STEPS)
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  return words.format(seconds, "second");
}

/** Return a size in bytes in words. */
export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["byte", "kilobyte", "megabyte"];
  const step = bytes < 1024 * 1024 ? 1 : 2;
  const value = bytes / 1024 ** step;
  return new Intl.NumberFormat(current, {
    style: "unit",
    unit: units[step],
    unitDisplay: "short",
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
}
