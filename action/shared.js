// src/client/network-settings.ts
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import tls from "node:tls";
var PROXY_VARIABLES = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
var USE_PROXY = "NODE_USE_ENV_PROXY";
async function adoptNetworkSettings(env) {
  const problem = trustCertificates(env);
  if (problem !== void 0) process.stderr.write(`nargate: warning: ${problem}
`);
  const isProxied = PROXY_VARIABLES.some((name) => (env[name] ?? "") !== "");
  if (!isProxied || env[USE_PROXY] !== void 0) return void 0;
  return await runAgain({ ...env, [USE_PROXY]: "1" });
}
function trustCertificates(env) {
  const name = ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"].find((one) => (env[one] ?? "") !== "");
  const file = name === void 0 ? "" : env[name] ?? "";
  if (file === "") return void 0;
  if (typeof tls.setDefaultCACertificates !== "function") {
    return env["NODE_EXTRA_CA_CERTS"] === void 0 ? `this Node does not know the certificates in ${name}. Set NODE_EXTRA_CA_CERTS to the same file, or use Node 22.19 or later` : void 0;
  }
  try {
    const added = readFileSync(file, "utf8").match(PEM) ?? [];
    const known = tls.getCACertificates("default");
    tls.setDefaultCACertificates([.../* @__PURE__ */ new Set([...known, ...added])]);
    return void 0;
  } catch (error2) {
    return `cannot use the certificates in ${name} (${file}): ${error2.code ?? "malformed"}`;
  }
}
var PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
async function runAgain(env) {
  const args = ["--disable-warning=UNDICI-EHPA", ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(process.execPath, args, { env: { ...env }, stdio: "inherit" });
  const signals = ["SIGINT", "SIGTERM"];
  const forward = (signal) => {
    if (signal !== "SIGINT" || process.stdin.isTTY !== true) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  return await new Promise((resolve3) => {
    child.once("error", (error2) => {
      process.stderr.write(`nargate: cannot start ${process.execPath}: ${error2.message}
`);
      resolve3(1);
    });
    child.once("close", (code, killedBy) => {
      for (const signal of signals) process.off(signal, forward);
      resolve3(code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]));
    });
  });
}

// src/client/client-error.ts
var UsageError = class extends Error {
};
var ClientError = class extends Error {
};
var Interrupted = class extends ClientError {
  signal;
  constructor(signal) {
    super("interrupted");
    this.signal = signal;
  }
};
function describeError(error2) {
  if (!(error2 instanceof Error)) return String(error2);
  if (error2 instanceof ClientError || error2 instanceof UsageError) return error2.message;
  const { cause } = error2;
  if (cause instanceof AggregateError) return describeError(cause.errors[0]);
  if (cause === void 0) return error2.message;
  const { code, message } = cause;
  const reason = [code, message].find((text3) => text3 !== void 0 && text3 !== "");
  return reason === void 0 ? error2.message : `${error2.message}: ${reason}`;
}

// src/client/process-context.ts
import { addAbortSignal } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

// src/client/plain-text.ts
var UNSAFE = "\\p{Cc}\\u2028\\u2029\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069";
var UNSAFE_RUN = new RegExp(`[${UNSAFE}]+`, "gu");
var UNSAFE_OR_OWN = new RegExp(`\\u001B\\[\\d{1,2}m|[${UNSAFE}]`, "gu");
var OWN = /^(?:\u001B\[\d{1,2}m|[\n\t])$/;
var MAX_LINE_LENGTH = 1e3;
function toOneLine(text3) {
  return text3.replace(UNSAFE_RUN, " ").slice(0, MAX_LINE_LENGTH);
}
function withoutEscapes(text3) {
  return text3.replace(UNSAFE_OR_OWN, (found) => OWN.test(found) ? found : " ");
}
function toLogLine(text3) {
  const line = toOneLine(text3).replaceAll("##[", "## [");
  return line.trimStart().startsWith("::") ? `nargate: ${line.trimStart()}` : line;
}

// src/client/process-context.ts
function createProcessContext(signal) {
  return {
    env: process.env,
    cwd: process.cwd(),
    // A getter, because Node opens stdin at the first use and then makes it non-blocking, also for
    // each program that inherits it. The signal ends a read that waits for input at Ctrl-C.
    get stdin() {
      return addAbortSignal(signal, process.stdin);
    },
    stdout: createOutput(process.stdout),
    stderr: createOutput(process.stderr),
    fetch,
    now: () => /* @__PURE__ */ new Date(),
    random: Math.random,
    sleep: (milliseconds) => sleep(milliseconds, void 0, { signal }),
    signal
  };
}
function createOutput(stream) {
  return {
    write: (text3) => stream.write(withoutEscapes(text3)),
    draw: (text3) => stream.write(text3),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    }
  };
}

// node_modules/@actions/core/lib/command.js
import * as os from "os";

// node_modules/@actions/core/lib/utils.js
function toCommandValue(input) {
  if (input === null || input === void 0) {
    return "";
  } else if (typeof input === "string" || input instanceof String) {
    return input;
  }
  return JSON.stringify(input);
}
function toCommandProperties(annotationProperties) {
  if (!Object.keys(annotationProperties).length) {
    return {};
  }
  return {
    title: annotationProperties.title,
    file: annotationProperties.file,
    line: annotationProperties.startLine,
    endLine: annotationProperties.endLine,
    col: annotationProperties.startColumn,
    endColumn: annotationProperties.endColumn
  };
}

// node_modules/@actions/core/lib/command.js
function issueCommand(command, properties, message) {
  const cmd = new Command(command, properties, message);
  process.stdout.write(cmd.toString() + os.EOL);
}
function issue(name, message = "") {
  issueCommand(name, {}, message);
}
var CMD_STRING = "::";
var Command = class {
  constructor(command, properties, message) {
    if (!command) {
      command = "missing.command";
    }
    this.command = command;
    this.properties = properties;
    this.message = message;
  }
  toString() {
    let cmdStr = CMD_STRING + this.command;
    if (this.properties && Object.keys(this.properties).length > 0) {
      cmdStr += " ";
      let first = true;
      for (const key in this.properties) {
        if (this.properties.hasOwnProperty(key)) {
          const val = this.properties[key];
          if (val) {
            if (first) {
              first = false;
            } else {
              cmdStr += ",";
            }
            cmdStr += `${key}=${escapeProperty(val)}`;
          }
        }
      }
    }
    cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
    return cmdStr;
  }
};
function escapeData(s) {
  return toCommandValue(s).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}
function escapeProperty(s) {
  return toCommandValue(s).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/:/g, "%3A").replace(/,/g, "%2C");
}

// node_modules/@actions/core/lib/file-command.js
import * as crypto2 from "crypto";
import * as fs from "fs";
import * as os2 from "os";
function issueFileCommand(command, message) {
  const filePath = process.env[`GITHUB_${command}`];
  if (!filePath) {
    throw new Error(`Unable to find environment variable for file command ${command}`);
  }
  if (!fs.existsSync(filePath)) {
    throw new Error(`Missing file at path: ${filePath}`);
  }
  fs.appendFileSync(filePath, `${toCommandValue(message)}${os2.EOL}`, {
    encoding: "utf8"
  });
}
function prepareKeyValueMessage(key, value) {
  const delimiter = `ghadelimiter_${crypto2.randomUUID()}`;
  const convertedValue = toCommandValue(value);
  if (key.includes(delimiter)) {
    throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
  }
  if (convertedValue.includes(delimiter)) {
    throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
  }
  return `${key}<<${delimiter}${os2.EOL}${convertedValue}${os2.EOL}${delimiter}`;
}

// node_modules/@actions/core/lib/core.js
import * as os4 from "os";

// node_modules/@actions/core/lib/summary.js
import { EOL as EOL3 } from "os";
import { constants as constants2, promises } from "fs";
var __awaiter = function(thisArg, _arguments, P, generator) {
  function adopt(value) {
    return value instanceof P ? value : new P(function(resolve3) {
      resolve3(value);
    });
  }
  return new (P || (P = Promise))(function(resolve3, reject) {
    function fulfilled(value) {
      try {
        step(generator.next(value));
      } catch (e) {
        reject(e);
      }
    }
    function rejected(value) {
      try {
        step(generator["throw"](value));
      } catch (e) {
        reject(e);
      }
    }
    function step(result) {
      result.done ? resolve3(result.value) : adopt(result.value).then(fulfilled, rejected);
    }
    step((generator = generator.apply(thisArg, _arguments || [])).next());
  });
};
var { access, appendFile, writeFile } = promises;
var SUMMARY_ENV_VAR = "GITHUB_STEP_SUMMARY";
var Summary = class {
  constructor() {
    this._buffer = "";
  }
  /**
   * Finds the summary file path from the environment, rejects if env var is not found or file does not exist
   * Also checks r/w permissions.
   *
   * @returns step summary file path
   */
  filePath() {
    return __awaiter(this, void 0, void 0, function* () {
      if (this._filePath) {
        return this._filePath;
      }
      const pathFromEnv = process.env[SUMMARY_ENV_VAR];
      if (!pathFromEnv) {
        throw new Error(`Unable to find environment variable for $${SUMMARY_ENV_VAR}. Check if your runtime environment supports job summaries.`);
      }
      try {
        yield access(pathFromEnv, constants2.R_OK | constants2.W_OK);
      } catch (_a) {
        throw new Error(`Unable to access summary file: '${pathFromEnv}'. Check if the file has correct read/write permissions.`);
      }
      this._filePath = pathFromEnv;
      return this._filePath;
    });
  }
  /**
   * Wraps content in an HTML tag, adding any HTML attributes
   *
   * @param {string} tag HTML tag to wrap
   * @param {string | null} content content within the tag
   * @param {[attribute: string]: string} attrs key-value list of HTML attributes to add
   *
   * @returns {string} content wrapped in HTML element
   */
  wrap(tag, content, attrs = {}) {
    const htmlAttrs = Object.entries(attrs).map(([key, value]) => ` ${key}="${value}"`).join("");
    if (!content) {
      return `<${tag}${htmlAttrs}>`;
    }
    return `<${tag}${htmlAttrs}>${content}</${tag}>`;
  }
  /**
   * Writes text in the buffer to the summary buffer file and empties buffer. Will append by default.
   *
   * @param {SummaryWriteOptions} [options] (optional) options for write operation
   *
   * @returns {Promise<Summary>} summary instance
   */
  write(options) {
    return __awaiter(this, void 0, void 0, function* () {
      const overwrite = !!(options === null || options === void 0 ? void 0 : options.overwrite);
      const filePath = yield this.filePath();
      const writeFunc = overwrite ? writeFile : appendFile;
      yield writeFunc(filePath, this._buffer, { encoding: "utf8" });
      return this.emptyBuffer();
    });
  }
  /**
   * Clears the summary buffer and wipes the summary file
   *
   * @returns {Summary} summary instance
   */
  clear() {
    return __awaiter(this, void 0, void 0, function* () {
      return this.emptyBuffer().write({ overwrite: true });
    });
  }
  /**
   * Returns the current summary buffer as a string
   *
   * @returns {string} string of summary buffer
   */
  stringify() {
    return this._buffer;
  }
  /**
   * If the summary buffer is empty
   *
   * @returns {boolen} true if the buffer is empty
   */
  isEmptyBuffer() {
    return this._buffer.length === 0;
  }
  /**
   * Resets the summary buffer without writing to summary file
   *
   * @returns {Summary} summary instance
   */
  emptyBuffer() {
    this._buffer = "";
    return this;
  }
  /**
   * Adds raw text to the summary buffer
   *
   * @param {string} text content to add
   * @param {boolean} [addEOL=false] (optional) append an EOL to the raw text (default: false)
   *
   * @returns {Summary} summary instance
   */
  addRaw(text3, addEOL = false) {
    this._buffer += text3;
    return addEOL ? this.addEOL() : this;
  }
  /**
   * Adds the operating system-specific end-of-line marker to the buffer
   *
   * @returns {Summary} summary instance
   */
  addEOL() {
    return this.addRaw(EOL3);
  }
  /**
   * Adds an HTML codeblock to the summary buffer
   *
   * @param {string} code content to render within fenced code block
   * @param {string} lang (optional) language to syntax highlight code
   *
   * @returns {Summary} summary instance
   */
  addCodeBlock(code, lang) {
    const attrs = Object.assign({}, lang && { lang });
    const element = this.wrap("pre", this.wrap("code", code), attrs);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML list to the summary buffer
   *
   * @param {string[]} items list of items to render
   * @param {boolean} [ordered=false] (optional) if the rendered list should be ordered or not (default: false)
   *
   * @returns {Summary} summary instance
   */
  addList(items, ordered = false) {
    const tag = ordered ? "ol" : "ul";
    const listItems = items.map((item) => this.wrap("li", item)).join("");
    const element = this.wrap(tag, listItems);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML table to the summary buffer
   *
   * @param {SummaryTableCell[]} rows table rows
   *
   * @returns {Summary} summary instance
   */
  addTable(rows) {
    const tableBody = rows.map((row) => {
      const cells = row.map((cell) => {
        if (typeof cell === "string") {
          return this.wrap("td", cell);
        }
        const { header, data, colspan, rowspan } = cell;
        const tag = header ? "th" : "td";
        const attrs = Object.assign(Object.assign({}, colspan && { colspan }), rowspan && { rowspan });
        return this.wrap(tag, data, attrs);
      }).join("");
      return this.wrap("tr", cells);
    }).join("");
    const element = this.wrap("table", tableBody);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds a collapsable HTML details element to the summary buffer
   *
   * @param {string} label text for the closed state
   * @param {string} content collapsable content
   *
   * @returns {Summary} summary instance
   */
  addDetails(label, content) {
    const element = this.wrap("details", this.wrap("summary", label) + content);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML image tag to the summary buffer
   *
   * @param {string} src path to the image you to embed
   * @param {string} alt text description of the image
   * @param {SummaryImageOptions} options (optional) addition image attributes
   *
   * @returns {Summary} summary instance
   */
  addImage(src, alt, options) {
    const { width, height } = options || {};
    const attrs = Object.assign(Object.assign({}, width && { width }), height && { height });
    const element = this.wrap("img", null, Object.assign({ src, alt }, attrs));
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML section heading element
   *
   * @param {string} text heading text
   * @param {number | string} [level=1] (optional) the heading level, default: 1
   *
   * @returns {Summary} summary instance
   */
  addHeading(text3, level) {
    const tag = `h${level}`;
    const allowedTag = ["h1", "h2", "h3", "h4", "h5", "h6"].includes(tag) ? tag : "h1";
    const element = this.wrap(allowedTag, text3);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML thematic break (<hr>) to the summary buffer
   *
   * @returns {Summary} summary instance
   */
  addSeparator() {
    const element = this.wrap("hr", null);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML line break (<br>) to the summary buffer
   *
   * @returns {Summary} summary instance
   */
  addBreak() {
    const element = this.wrap("br", null);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML blockquote to the summary buffer
   *
   * @param {string} text quote text
   * @param {string} cite (optional) citation url
   *
   * @returns {Summary} summary instance
   */
  addQuote(text3, cite) {
    const attrs = Object.assign({}, cite && { cite });
    const element = this.wrap("blockquote", text3, attrs);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML anchor tag to the summary buffer
   *
   * @param {string} text link text/content
   * @param {string} href hyperlink
   *
   * @returns {Summary} summary instance
   */
  addLink(text3, href) {
    const element = this.wrap("a", text3, { href });
    return this.addRaw(element).addEOL();
  }
};
var _summary = new Summary();
var summary = _summary;

// node_modules/@actions/core/lib/platform.js
import os3 from "os";
var platform = os3.platform();
var arch = os3.arch();

// node_modules/@actions/core/lib/core.js
var __awaiter2 = function(thisArg, _arguments, P, generator) {
  function adopt(value) {
    return value instanceof P ? value : new P(function(resolve3) {
      resolve3(value);
    });
  }
  return new (P || (P = Promise))(function(resolve3, reject) {
    function fulfilled(value) {
      try {
        step(generator.next(value));
      } catch (e) {
        reject(e);
      }
    }
    function rejected(value) {
      try {
        step(generator["throw"](value));
      } catch (e) {
        reject(e);
      }
    }
    function step(result) {
      result.done ? resolve3(result.value) : adopt(result.value).then(fulfilled, rejected);
    }
    step((generator = generator.apply(thisArg, _arguments || [])).next());
  });
};
var ExitCode;
(function(ExitCode2) {
  ExitCode2[ExitCode2["Success"] = 0] = "Success";
  ExitCode2[ExitCode2["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
function exportVariable(name, val) {
  const convertedVal = toCommandValue(val);
  process.env[name] = convertedVal;
  const filePath = process.env["GITHUB_ENV"] || "";
  if (filePath) {
    return issueFileCommand("ENV", prepareKeyValueMessage(name, val));
  }
  issueCommand("set-env", { name }, convertedVal);
}
function setSecret(secret) {
  issueCommand("add-mask", {}, secret);
}
function getInput(name, options) {
  const val = process.env[`INPUT_${name.replace(/ /g, "_").toUpperCase()}`] || "";
  if (options && options.required && !val) {
    throw new Error(`Input required and not supplied: ${name}`);
  }
  if (options && options.trimWhitespace === false) {
    return val;
  }
  return val.trim();
}
function setOutput(name, value) {
  const filePath = process.env["GITHUB_OUTPUT"] || "";
  if (filePath) {
    return issueFileCommand("OUTPUT", prepareKeyValueMessage(name, value));
  }
  process.stdout.write(os4.EOL);
  issueCommand("set-output", { name }, toCommandValue(value));
}
function setFailed(message) {
  process.exitCode = ExitCode.Failure;
  error(message);
}
function error(message, properties = {}) {
  issueCommand("error", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
function warning(message, properties = {}) {
  issueCommand("warning", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
function notice(message, properties = {}) {
  issueCommand("notice", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
function info(message) {
  process.stdout.write(message + os4.EOL);
}
function startGroup(name) {
  issue("group", name);
}
function endGroup() {
  issue("endgroup");
}
function group(name, fn) {
  return __awaiter2(this, void 0, void 0, function* () {
    startGroup(name);
    let result;
    try {
      result = yield fn();
    } finally {
      endGroup();
    }
    return result;
  });
}
function saveState(name, value) {
  const filePath = process.env["GITHUB_STATE"] || "";
  if (filePath) {
    return issueFileCommand("STATE", prepareKeyValueMessage(name, value));
  }
  issueCommand("save-state", { name }, toCommandValue(value));
}
function getState(name) {
  return process.env[`STATE_${name}`] || "";
}

// src/action/runner.ts
var PREFIX = "nargate: ";
function createRunner() {
  return {
    input: (name) => getInput(name),
    state: (name) => getState(name),
    saveState: (name, value) => saveState(name, value),
    setOutput: (name, value) => setOutput(name, value),
    exportVariable: (name, value) => exportVariable(name, value),
    mask: (secret) => setSecret(secret),
    info: (line) => info(toLogLine(PREFIX + line)),
    notice: (line) => notice(toLogLine(PREFIX + line)),
    warning: (line) => warning(toLogLine(PREFIX + line)),
    fail: (line) => setFailed(toLogLine(PREFIX + line)),
    group: (name, task) => group(toLogLine(PREFIX + name), task),
    async addToSummary(markdown) {
      if ((process.env["GITHUB_STEP_SUMMARY"] ?? "") === "") return;
      await summary.addRaw(markdown, true).write();
    }
  };
}

// src/action/action-context.ts
function createActionContext(signal) {
  const { env, cwd, fetch: fetch2, now, random, sleep: sleep2 } = createProcessContext(signal);
  const stdout = createLogOutput((text3) => process.stdout.write(text3));
  return {
    env,
    cwd,
    stdin: NO_INPUT,
    stdout,
    // All output goes to stdout: the runner reads both pipes at once, and would mix up the order of
    // lines and groups.
    stderr: stdout,
    fetch: fetch2,
    now,
    random,
    sleep: sleep2,
    signal,
    runner: createRunner(),
    platform: process.platform
  };
}
function createLogOutput(write) {
  return { write: (text3) => write(text3.split("\n").map(toLogLine).join("\n")) };
}
var NO_INPUT = {
  async *[Symbol.asyncIterator]() {
    yield* [];
  }
};
async function runStep(step) {
  const code = await adoptNetworkSettings(process.env);
  if (code !== void 0) {
    process.exitCode = code;
    return;
  }
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) {
    process.on(name, () => controller.abort(new Interrupted(name)));
  }
  const context = createActionContext(controller.signal);
  try {
    await step(context);
  } catch (error2) {
    context.runner.fail(describeError(error2));
  }
}

// src/result.ts
function ok(value) {
  return { ok: true, value };
}
function err(error2) {
  return { ok: false, error: error2 };
}

// src/nix/store-path.ts
var MAX_NAME_LENGTH = 211;
function parseStorePathHash(text3) {
  return isStorePathHash(text3) ? ok(text3) : err("store path hash is not 32 nix32 characters");
}
function parseStorePathName(text3) {
  if (text3 === "") return err("store path name is empty");
  if (text3.length > MAX_NAME_LENGTH) {
    return err(`store path name is longer than ${MAX_NAME_LENGTH} characters`);
  }
  if (/^\.\.?(?:-|$)/.test(text3)) {
    return err('store path name is "." or "..", or begins with ".-" or "..-"');
  }
  return isStorePathName(text3) ? ok(text3) : err("store path name holds a character other than A-Z, a-z, 0-9 and + - . _ ? =");
}
function parseStorePathBaseName(text3) {
  if (text3.charAt(32) !== "-") return err("store path has no dash after 32 characters");
  const hash2 = parseStorePathHash(text3.slice(0, 32));
  if (!hash2.ok) return hash2;
  const name = parseStorePathName(text3.slice(33));
  if (!name.ok) return name;
  return ok({ hash: hash2.value, name: name.value });
}
function parseStorePath(text3, storeDir) {
  if (!text3.startsWith(`${storeDir}/`)) return err("store path is not in the store directory");
  return parseStorePathBaseName(text3.slice(storeDir.length + 1));
}
function formatStorePathBaseName(path5) {
  return `${path5.hash}-${path5.name}`;
}
function formatStorePath(path5, storeDir) {
  return `${storeDir}/${formatStorePathBaseName(path5)}`;
}
function equalStorePaths(a, b) {
  return a.hash === b.hash && a.name === b.name;
}
function isStorePathHash(text3) {
  return /^[0-9a-df-np-sv-z]{32}$/.test(text3);
}
function isStorePathName(text3) {
  return /^[0-9A-Za-z+\-._?=]+$/.test(text3);
}

// src/http/secure-url.ts
var LOOPBACK_NAMES = /* @__PURE__ */ new Set(["localhost", "[::1]"]);
function isLoopback(hostname) {
  return LOOPBACK_NAMES.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
function isSecureUrl({ protocol, hostname }) {
  return protocol === "https:" || protocol === "http:" && isLoopback(hostname);
}

// node_modules/valibot/dist/index.mjs
var store$4;
var DEFAULT_CONFIG = {
  lang: void 0,
  message: void 0,
  abortEarly: void 0,
  abortPipeEarly: void 0
};
// @__NO_SIDE_EFFECTS__
function getGlobalConfig(config$1) {
  if (!config$1 && !store$4) return DEFAULT_CONFIG;
  return {
    lang: config$1?.lang ?? store$4?.lang,
    message: config$1?.message,
    abortEarly: config$1?.abortEarly ?? store$4?.abortEarly,
    abortPipeEarly: config$1?.abortPipeEarly ?? store$4?.abortPipeEarly
  };
}
var store$3;
// @__NO_SIDE_EFFECTS__
function getGlobalMessage(lang) {
  return store$3?.get(lang);
}
var store$2;
// @__NO_SIDE_EFFECTS__
function getSchemaMessage(lang) {
  return store$2?.get(lang);
}
var store$1;
// @__NO_SIDE_EFFECTS__
function getSpecificMessage(reference, lang) {
  return store$1?.get(reference)?.get(lang);
}
// @__NO_SIDE_EFFECTS__
function _stringify(input) {
  const type = typeof input;
  if (type === "string") return `"${input}"`;
  if (type === "number" || type === "bigint" || type === "boolean") return `${input}`;
  if (type === "object" || type === "function") return (input && Object.getPrototypeOf(input)?.constructor?.name) ?? "null";
  return type;
}
function _addIssue(context, label, dataset, config$1, other) {
  const input = other && "input" in other ? other.input : dataset.value;
  const expected = other?.expected ?? context.expects ?? null;
  const received = other?.received ?? /* @__PURE__ */ _stringify(input);
  const issue2 = {
    kind: context.kind,
    type: context.type,
    input,
    expected,
    received,
    message: `Invalid ${label}: ${expected ? `Expected ${expected} but r` : "R"}eceived ${received}`,
    requirement: context.requirement,
    path: other?.path,
    issues: other?.issues,
    lang: config$1.lang,
    abortEarly: config$1.abortEarly,
    abortPipeEarly: config$1.abortPipeEarly
  };
  const isSchema = context.kind === "schema";
  const message$1 = other?.message ?? context.message ?? /* @__PURE__ */ getSpecificMessage(context.reference, issue2.lang) ?? (isSchema ? /* @__PURE__ */ getSchemaMessage(issue2.lang) : null) ?? config$1.message ?? /* @__PURE__ */ getGlobalMessage(issue2.lang);
  if (message$1 !== void 0) issue2.message = typeof message$1 === "function" ? message$1(issue2) : message$1;
  if (isSchema) dataset.typed = false;
  if (dataset.issues) dataset.issues.push(issue2);
  else dataset.issues = [issue2];
}
// @__NO_SIDE_EFFECTS__
function _isSameValueZero(value1, value2) {
  return value1 === value2 || Number.isNaN(value1) && Number.isNaN(value2);
}
// @__NO_SIDE_EFFECTS__
function _isValidObjectKey(object$1, key) {
  return Object.prototype.hasOwnProperty.call(object$1, key) && key !== "__proto__" && key !== "prototype" && key !== "constructor";
}
// @__NO_SIDE_EFFECTS__
function _joinExpects(values$1, separator) {
  const list = [...new Set(values$1)];
  if (list.length > 1) return `(${list.join(` ${separator} `)})`;
  return list[0] ?? "never";
}
function _standardSchema(schema) {
  schema["~standard"] = {
    version: 1,
    vendor: "valibot",
    validate: (value$1) => schema["~run"]({ value: value$1 }, /* @__PURE__ */ getGlobalConfig())
  };
  return schema;
}
// @__NO_SIDE_EFFECTS__
function getDotPath(issue2) {
  if (issue2.path) {
    let key = "";
    for (const item of issue2.path) if (typeof item.key === "string" || typeof item.key === "number") if (key) key += `.${item.key}`;
    else key += item.key;
    else return null;
    return key;
  }
  return null;
}
var EMOJI_REGEX = new RegExp("^(?:[\\u{1F1E6}-\\u{1F1FF}]{2}|\\u{1F3F4}[\\u{E0061}-\\u{E007A}]{2}[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]{1,3}\\u{E007F}|(?:\\p{Emoji}\\uFE0F\\u20E3?|\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier}?|(?![\\p{Emoji_Modifier_Base}\\u{1F1E6}-\\u{1F1FF}])\\p{Emoji_Presentation})(?:\\u200D(?:\\p{Emoji}\\uFE0F\\u20E3?|\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier}?|(?![\\p{Emoji_Modifier_Base}\\u{1F1E6}-\\u{1F1FF}])\\p{Emoji_Presentation}))*)+$", "u");
// @__NO_SIDE_EFFECTS__
function check(requirement, message$1) {
  return {
    kind: "validation",
    type: "check",
    reference: check,
    async: false,
    expects: null,
    requirement,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && !this.requirement(dataset.value)) _addIssue(this, "input", dataset, config$1);
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function maxLength(requirement, message$1) {
  return {
    kind: "validation",
    type: "max_length",
    reference: maxLength,
    async: false,
    expects: `<=${requirement}`,
    requirement,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && dataset.value.length > this.requirement) _addIssue(this, "length", dataset, config$1, { received: `${dataset.value.length}` });
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function maxValue(requirement, message$1) {
  return {
    kind: "validation",
    type: "max_value",
    reference: maxValue,
    async: false,
    expects: `<=${requirement instanceof Date ? requirement.toJSON() : /* @__PURE__ */ _stringify(requirement)}`,
    requirement,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && !(dataset.value <= this.requirement)) _addIssue(this, "value", dataset, config$1, { received: dataset.value instanceof Date ? dataset.value.toJSON() : /* @__PURE__ */ _stringify(dataset.value) });
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function minValue(requirement, message$1) {
  return {
    kind: "validation",
    type: "min_value",
    reference: minValue,
    async: false,
    expects: `>=${requirement instanceof Date ? requirement.toJSON() : /* @__PURE__ */ _stringify(requirement)}`,
    requirement,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && !(dataset.value >= this.requirement)) _addIssue(this, "value", dataset, config$1, { received: dataset.value instanceof Date ? dataset.value.toJSON() : /* @__PURE__ */ _stringify(dataset.value) });
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function readonly() {
  return {
    kind: "transformation",
    type: "readonly",
    reference: readonly,
    async: false,
    "~run"(dataset) {
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function regex(requirement, message$1) {
  return {
    kind: "validation",
    type: "regex",
    reference: regex,
    async: false,
    expects: `${requirement}`,
    requirement,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && !this.requirement.test(dataset.value)) _addIssue(this, "format", dataset, config$1);
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function safeInteger(message$1) {
  return {
    kind: "validation",
    type: "safe_integer",
    reference: safeInteger,
    async: false,
    expects: null,
    requirement: Number.isSafeInteger,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && !this.requirement(dataset.value)) _addIssue(this, "safe integer", dataset, config$1);
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function transform(operation) {
  return {
    kind: "transformation",
    type: "transform",
    reference: transform,
    async: false,
    operation,
    "~run"(dataset) {
      dataset.value = this.operation(dataset.value);
      return dataset;
    }
  };
}
var ABORT_EARLY_CONFIG = { abortEarly: true };
// @__NO_SIDE_EFFECTS__
function getFallback(schema, dataset, config$1) {
  return typeof schema.fallback === "function" ? schema.fallback(dataset, config$1) : schema.fallback;
}
// @__NO_SIDE_EFFECTS__
function getDefault(schema, dataset, config$1) {
  return typeof schema.default === "function" ? schema.default(dataset, config$1) : schema.default;
}
// @__NO_SIDE_EFFECTS__
function array(item, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "array",
    reference: array,
    expects: "Array",
    async: false,
    item,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (Array.isArray(input)) {
        dataset.typed = true;
        dataset.value = [];
        for (let key = 0; key < input.length; key++) {
          const value$1 = input[key];
          const itemDataset = this.item["~run"]({ value: value$1 }, config$1);
          if (itemDataset.issues) {
            const pathItem = {
              type: "array",
              origin: "value",
              input,
              key,
              value: value$1
            };
            for (const issue2 of itemDataset.issues) {
              if (issue2.path) issue2.path.unshift(pathItem);
              else issue2.path = [pathItem];
              dataset.issues?.push(issue2);
            }
            if (!dataset.issues) dataset.issues = itemDataset.issues;
            if (config$1.abortEarly) {
              dataset.typed = false;
              break;
            }
          }
          if (!itemDataset.typed) dataset.typed = false;
          dataset.value.push(itemDataset.value);
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function boolean(message$1) {
  return _standardSchema({
    kind: "schema",
    type: "boolean",
    reference: boolean,
    expects: "boolean",
    async: false,
    message: message$1,
    "~run"(dataset, config$1) {
      if (typeof dataset.value === "boolean") dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function literal(literal_, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "literal",
    reference: literal,
    expects: /* @__PURE__ */ _stringify(literal_),
    async: false,
    literal: literal_,
    message: message$1,
    "~run"(dataset, config$1) {
      if (/* @__PURE__ */ _isSameValueZero(dataset.value, this.literal)) dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function nullish(wrapped, default_) {
  return _standardSchema({
    kind: "schema",
    type: "nullish",
    reference: nullish,
    expects: `(${wrapped.expects} | null | undefined)`,
    async: false,
    wrapped,
    default: default_,
    "~run"(dataset, config$1) {
      if (dataset.value === null || dataset.value === void 0) {
        if (this.default !== void 0) dataset.value = /* @__PURE__ */ getDefault(this, dataset, config$1);
        if (dataset.value === null || dataset.value === void 0) {
          dataset.typed = true;
          return dataset;
        }
      }
      return this.wrapped["~run"](dataset, config$1);
    }
  });
}
// @__NO_SIDE_EFFECTS__
function number(message$1) {
  return _standardSchema({
    kind: "schema",
    type: "number",
    reference: number,
    expects: "number",
    async: false,
    message: message$1,
    "~run"(dataset, config$1) {
      if (typeof dataset.value === "number" && !isNaN(dataset.value)) dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function object(entries$1, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "object",
    reference: object,
    expects: "Object",
    async: false,
    entries: entries$1,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (input && typeof input === "object") {
        dataset.typed = true;
        dataset.value = {};
        for (const key in this.entries) {
          const valueSchema = this.entries[key];
          if (key in input || (valueSchema.type === "exact_optional" || valueSchema.type === "optional" || valueSchema.type === "nullish") && valueSchema.default !== void 0) {
            const value$1 = key in input ? input[key] : /* @__PURE__ */ getDefault(valueSchema);
            const valueDataset = valueSchema["~run"]({ value: value$1 }, config$1);
            if (valueDataset.issues) {
              const pathItem = {
                type: "object",
                origin: "value",
                input,
                key,
                value: value$1
              };
              for (const issue2 of valueDataset.issues) {
                if (issue2.path) issue2.path.unshift(pathItem);
                else issue2.path = [pathItem];
                dataset.issues?.push(issue2);
              }
              if (!dataset.issues) dataset.issues = valueDataset.issues;
              if (config$1.abortEarly) {
                dataset.typed = false;
                break;
              }
            }
            if (!valueDataset.typed) dataset.typed = false;
            dataset.value[key] = valueDataset.value;
          } else if (valueSchema.fallback !== void 0) dataset.value[key] = /* @__PURE__ */ getFallback(valueSchema);
          else if (valueSchema.type !== "exact_optional" && valueSchema.type !== "optional" && valueSchema.type !== "nullish") {
            _addIssue(this, "key", dataset, config$1, {
              input: void 0,
              expected: `"${key}"`,
              path: [{
                type: "object",
                origin: "key",
                input,
                key,
                value: input[key]
              }]
            });
            if (config$1.abortEarly) break;
          }
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function optional(wrapped, default_) {
  return _standardSchema({
    kind: "schema",
    type: "optional",
    reference: optional,
    expects: `(${wrapped.expects} | undefined)`,
    async: false,
    wrapped,
    default: default_,
    "~run"(dataset, config$1) {
      if (dataset.value === void 0) {
        if (this.default !== void 0) dataset.value = /* @__PURE__ */ getDefault(this, dataset, config$1);
        if (dataset.value === void 0) {
          dataset.typed = true;
          return dataset;
        }
      }
      return this.wrapped["~run"](dataset, config$1);
    }
  });
}
// @__NO_SIDE_EFFECTS__
function record(key, value$1, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "record",
    reference: record,
    expects: "Object",
    async: false,
    key,
    value: value$1,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (input && typeof input === "object") {
        dataset.typed = true;
        dataset.value = {};
        for (const entryKey in input) if (/* @__PURE__ */ _isValidObjectKey(input, entryKey)) {
          const entryValue = input[entryKey];
          const keyDataset = this.key["~run"]({ value: entryKey }, config$1);
          if (keyDataset.issues) {
            const pathItem = {
              type: "object",
              origin: "key",
              input,
              key: entryKey,
              value: entryValue
            };
            for (const issue2 of keyDataset.issues) {
              issue2.path = [pathItem];
              dataset.issues?.push(issue2);
            }
            if (!dataset.issues) dataset.issues = keyDataset.issues;
            if (config$1.abortEarly) {
              dataset.typed = false;
              break;
            }
          }
          const valueDataset = this.value["~run"]({ value: entryValue }, config$1);
          if (valueDataset.issues) {
            const pathItem = {
              type: "object",
              origin: "value",
              input,
              key: entryKey,
              value: entryValue
            };
            for (const issue2 of valueDataset.issues) {
              if (issue2.path) issue2.path.unshift(pathItem);
              else issue2.path = [pathItem];
              dataset.issues?.push(issue2);
            }
            if (!dataset.issues) dataset.issues = valueDataset.issues;
            if (config$1.abortEarly) {
              dataset.typed = false;
              break;
            }
          }
          if (!keyDataset.typed || !valueDataset.typed) dataset.typed = false;
          if (keyDataset.typed) dataset.value[keyDataset.value] = valueDataset.value;
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function string(message$1) {
  return _standardSchema({
    kind: "schema",
    type: "string",
    reference: string,
    expects: "string",
    async: false,
    message: message$1,
    "~run"(dataset, config$1) {
      if (typeof dataset.value === "string") dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function _subIssues(datasets) {
  let issues;
  if (datasets) for (const dataset of datasets) if (issues) for (const issue2 of dataset.issues) issues.push(issue2);
  else issues = dataset.issues;
  return issues;
}
// @__NO_SIDE_EFFECTS__
function union(options, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "union",
    reference: union,
    expects: /* @__PURE__ */ _joinExpects(options.map((option) => option.expects), "|"),
    async: false,
    options,
    message: message$1,
    "~run"(dataset, config$1) {
      let validDataset;
      let typedDatasets;
      let untypedDatasets;
      for (const schema of this.options) {
        const optionDataset = schema["~run"]({ value: dataset.value }, config$1);
        if (optionDataset.typed) if (optionDataset.issues) if (typedDatasets) typedDatasets.push(optionDataset);
        else typedDatasets = [optionDataset];
        else {
          validDataset = optionDataset;
          break;
        }
        else if (untypedDatasets) untypedDatasets.push(optionDataset);
        else untypedDatasets = [optionDataset];
      }
      if (validDataset) return validDataset;
      if (typedDatasets) {
        if (typedDatasets.length === 1) return typedDatasets[0];
        _addIssue(this, "type", dataset, config$1, { issues: /* @__PURE__ */ _subIssues(typedDatasets) });
        dataset.typed = true;
      } else if (untypedDatasets?.length === 1) return untypedDatasets[0];
      else _addIssue(this, "type", dataset, config$1, { issues: /* @__PURE__ */ _subIssues(untypedDatasets) });
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function variant(key, options, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "variant",
    reference: variant,
    expects: "Object",
    async: false,
    key,
    options,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (input && typeof input === "object") {
        let outputDataset;
        let maxDiscriminatorPriority = 0;
        let invalidDiscriminatorKey = this.key;
        let expectedDiscriminators = [];
        const parseOptions = (variant$1, allKeys) => {
          for (const schema of variant$1.options) {
            if (schema.type === "variant") parseOptions(schema, new Set(allKeys).add(schema.key));
            else {
              let keysAreValid = true;
              let currentPriority = 0;
              for (const currentKey of allKeys) {
                const discriminatorSchema = schema.entries[currentKey];
                if (currentKey in input ? discriminatorSchema["~run"]({
                  typed: false,
                  value: input[currentKey]
                }, ABORT_EARLY_CONFIG).issues : discriminatorSchema.type !== "exact_optional" && discriminatorSchema.type !== "optional" && discriminatorSchema.type !== "nullish") {
                  keysAreValid = false;
                  if (invalidDiscriminatorKey !== currentKey && (maxDiscriminatorPriority < currentPriority || maxDiscriminatorPriority === currentPriority && currentKey in input && !(invalidDiscriminatorKey in input))) {
                    maxDiscriminatorPriority = currentPriority;
                    invalidDiscriminatorKey = currentKey;
                    expectedDiscriminators = [];
                  }
                  if (invalidDiscriminatorKey === currentKey) expectedDiscriminators.push(schema.entries[currentKey].expects);
                  break;
                }
                currentPriority++;
              }
              if (keysAreValid) {
                const optionDataset = schema["~run"]({ value: input }, config$1);
                if (!outputDataset || !outputDataset.typed && optionDataset.typed) outputDataset = optionDataset;
              }
            }
            if (outputDataset && !outputDataset.issues) break;
          }
        };
        parseOptions(this, /* @__PURE__ */ new Set([this.key]));
        if (outputDataset) return outputDataset;
        _addIssue(this, "type", dataset, config$1, {
          input: input[invalidDiscriminatorKey],
          expected: /* @__PURE__ */ _joinExpects(expectedDiscriminators, "|"),
          path: [{
            type: "object",
            origin: "value",
            input,
            key: invalidDiscriminatorKey,
            value: input[invalidDiscriminatorKey]
          }]
        });
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function pipe(...pipe$1) {
  return _standardSchema({
    ...pipe$1[0],
    pipe: pipe$1,
    "~run"(dataset, config$1) {
      for (const item of pipe$1) if (item.kind !== "metadata") {
        if (dataset.issues && (item.kind === "schema" || item.kind === "transformation")) {
          dataset.typed = false;
          break;
        }
        if (!dataset.issues || !config$1.abortEarly && !config$1.abortPipeEarly) dataset = item["~run"](dataset, config$1);
      }
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function safeParse(schema, input, config$1) {
  const dataset = schema["~run"]({ value: input }, /* @__PURE__ */ getGlobalConfig(config$1));
  return {
    typed: dataset.typed,
    success: !dataset.issues,
    output: dataset.value,
    issues: dataset.issues
  };
}

// src/nix/encodings.ts
var NIX32_ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz";
var DIGITS = new Map(
  [...NIX32_ALPHABET].map((character, digit) => [character, digit])
);
function encodeNix32(bytes) {
  let text3 = "";
  for (let digit = lengthOfEncoded(bytes.length) - 1; digit >= 0; digit--) {
    const bit = digit * 5;
    const byte = bit >> 3;
    const pair = (bytes[byte + 1] ?? 0) << 8 | (bytes[byte] ?? 0);
    text3 += NIX32_ALPHABET.charAt(pair >> (bit & 7) & 31);
  }
  return text3;
}
function parseNix32(text3) {
  const bytes = new Uint8Array(Math.floor(text3.length * 5 / 8));
  if (lengthOfEncoded(bytes.length) !== text3.length) return err("no nix32 text has this length");
  for (let index = 0; index < text3.length; index++) {
    const digit = DIGITS.get(text3.charAt(text3.length - 1 - index));
    if (digit === void 0) return err("nix32 text holds a character outside its alphabet");
    const bit = index * 5;
    const byte = bit >> 3;
    const pair = digit << (bit & 7);
    const carry = pair >> 8;
    if (carry !== 0 && byte + 1 >= bytes.length)
      return err("the first nix32 digit has unused bits that are not zero");
    bytes[byte] = (bytes[byte] ?? 0) | pair & 255;
    if (carry !== 0) bytes[byte + 1] = carry;
  }
  return ok(bytes);
}
function lengthOfEncoded(byteLength) {
  return Math.ceil(byteLength * 8 / 5);
}
function encodeBase64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
function parseBase64(text3) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text3) || text3.length % 4 !== 0)
    return err("it is not padded base64");
  const binary = atob(text3);
  if (btoa(binary) !== text3) return err("the last base64 digit has unused bits that are not zero");
  return ok(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}

// src/nix/signature.ts
function parsePublicKey(text3) {
  const parts = parseNamedBytes(text3, 32);
  return parts === void 0 ? err("is not a Nix public key, which has the form <name>:<base64 of 32 bytes>") : ok(parts);
}
function parseSecretKey(text3) {
  const parts = parseNamedBytes(text3, 64);
  if (parts === void 0) {
    return err("is not a Nix secret key, which has the form <name>:<base64 of 64 bytes>");
  }
  const { name, bytes } = parts;
  return ok({ name, seed: bytes.slice(0, 32), publicKey: { name, bytes: bytes.slice(32) } });
}
function parseSignature(text3) {
  const parts = parseNamedBytes(text3, 64);
  return parts === void 0 ? err("is not a signature, which has the form <key name>:<base64 of 64 bytes>") : ok({ keyName: parts.name, bytes: parts.bytes });
}
function publicKeyOf(secretKey) {
  return secretKey.publicKey;
}
function formatPublicKey(publicKey2) {
  return `${publicKey2.name}:${encodeBase64(publicKey2.bytes)}`;
}
function formatSignature(signature) {
  return `${signature.keyName}:${encodeBase64(signature.bytes)}`;
}
async function verifySignature(publicKey2, message, signature) {
  if (publicKey2.name !== signature.keyName) return false;
  const key = await importPublicKey(publicKey2);
  return await crypto.subtle.verify("Ed25519", key, signature.bytes, encodeText(message));
}
async function signMessage(secretKey, message) {
  const key = await importSecretKey(secretKey);
  const bytes = await crypto.subtle.sign("Ed25519", key, encodeText(message));
  return formatSignature({ keyName: secretKey.name, bytes: new Uint8Array(bytes) });
}
async function hasMatchingPublicKey(secretKey) {
  const probe = "whether a seed and a public key belong together";
  const signature = parseSignature(await signMessage(secretKey, probe));
  return signature.ok && await verifySignature(secretKey.publicKey, probe, signature.value);
}
var MAX_KEY_NAME_LENGTH = 256;
function isKeyName(text3) {
  return text3.length <= MAX_KEY_NAME_LENGTH && /^[^\s:\p{Cc}\p{Cf}]+$/u.test(text3);
}
var PKCS8_HEADER = Uint8Array.of(
  48,
  46,
  2,
  1,
  0,
  48,
  5,
  6,
  3,
  43,
  101,
  112,
  4,
  34,
  4,
  32
);
var importedPublicKeys = /* @__PURE__ */ new WeakMap();
var importedSecretKeys = /* @__PURE__ */ new WeakMap();
async function importPublicKey(publicKey2) {
  const known = importedPublicKeys.get(publicKey2);
  if (known !== void 0) return known;
  const key = await crypto.subtle.importKey("raw", publicKey2.bytes, "Ed25519", false, ["verify"]);
  importedPublicKeys.set(publicKey2, key);
  return key;
}
async function importSecretKey(secretKey) {
  const known = importedSecretKeys.get(secretKey);
  if (known !== void 0) return known;
  const pkcs8 = Uint8Array.of(...PKCS8_HEADER, ...secretKey.seed);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  importedSecretKeys.set(secretKey, key);
  return key;
}
function parseNamedBytes(text3, byteLength) {
  const colon = text3.indexOf(":");
  if (colon === -1) return void 0;
  const name = text3.slice(0, colon);
  const bytes = parseBase64(text3.slice(colon + 1));
  if (!isKeyName(name) || !bytes.ok || bytes.value.length !== byteLength) return void 0;
  return { name, bytes: bytes.value };
}
function encodeText(text3) {
  return new TextEncoder().encode(text3);
}
var MAX_SIGNATURES = 32;
function mergeSignatures(existing, incoming, isKnownKey = () => false) {
  const signed = new Set(existing.map(keyNameOf));
  const merged = [...existing];
  for (const signature of incoming) {
    const keyName = keyNameOf(signature);
    if (signed.has(keyName)) continue;
    if (merged.length >= MAX_SIGNATURES) {
      const place = merged.findLastIndex((held) => !isKnownKey(keyNameOf(held)));
      if (place === -1 || !isKnownKey(keyName)) continue;
      merged.splice(place, 1);
    }
    signed.add(keyName);
    merged.push(signature);
  }
  return merged;
}
function keyNameOf(signature) {
  return signature.split(":", 1)[0] ?? "";
}

// src/api/read-shape.ts
function readShape(schema, value) {
  const parsed = safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return ok(parsed.output);
  const [issue2] = parsed.issues;
  return err(`${getDotPath(issue2) ?? "the body"} ${describe(issue2)}`);
}
function describe({ message, expected, received }) {
  if (!message.startsWith("Invalid ")) return message;
  return received === "undefined" ? "is missing" : `is not ${expected ?? "valid"}`;
}
function notAnObject({ received, path: path5 }) {
  return received === "undefined" && path5 !== void 0 ? "is missing" : "is not a JSON object";
}

// src/api/batches.ts
var KIB = 1024;
var MIB = 1024 * KIB;
var MAX_MISSING_HASHES = 32768;
var MAX_MISSING_BYTES = MAX_MISSING_HASHES * 40 + KIB;
var MAX_PUBLISH_BYTES = 4 * MIB;
var MAX_BATCHED_NAR_BYTES = 16 * KIB;
var MAX_LISTING_LENGTH = 64 * KIB;
var text = string("is not a text");
var BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;
var hash = pipe(text, regex(/^[0-9abcdfghijklmnpqrsvwxyz]{32}$/, "is not 32 digits of nix32"));
var missingSchema = object(
  {
    /** Hash parts of store paths. */
    paths: pipe(
      array(hash, "is not a list"),
      maxLength(MAX_MISSING_HASHES, `is a list of more than ${MAX_MISSING_HASHES} hashes`)
    )
  },
  notAnObject
);
var publishLineSchema = object(
  {
    /** Hash part of the store path: the name under which the narinfo is published. */
    path: hash,
    narinfo: text,
    /** How long the build took. The catalog keeps it. */
    buildSeconds: optional(pipe(number("is not a number"), minValue(0, "is negative"))),
    /** The listing of the NAR. It is stored as `<hash>.ls` if this request publishes the path. */
    listing: optional(
      pipe(text, maxLength(MAX_LISTING_LENGTH, `is longer than ${MAX_LISTING_LENGTH} characters`))
    ),
    /** The NAR file in base64. It is stored as the URL of the narinfo says, if its bytes hash to that. */
    nar: optional(
      pipe(
        text,
        maxLength(
          Math.ceil(MAX_BATCHED_NAR_BYTES / 3) * 4,
          `is of more than ${MAX_BATCHED_NAR_BYTES} bytes`
        ),
        // Valibot's own check takes a few letters beyond ASCII for digits.
        regex(BASE64, "is not base64")
      )
    ),
    /** Hash parts of references that another cache has: it does not matter if this one removed them. */
    upstreamReferences: optional(array(hash, "is not a list"))
  },
  notAnObject
);
var batchLimitsSchema = object({
  /** The most hashes in one request of `/api/v1/missing`. */
  hashes: pipe(number(), safeInteger(), minValue(1)),
  /** The number of narinfos that one request of `/api/v1/publish` takes. */
  narinfos: pipe(number(), safeInteger(), minValue(1)),
  /** Bytes of the largest NAR file that may go with its narinfo. Left out by older gateways. */
  narBytes: optional(pipe(number(), safeInteger(), minValue(1)))
});

// src/api/pins.ts
var MAX_PIN_REVISIONS = 1e3;
var MAX_KEEP_DAYS = 36500;
var PIN_NAME = /^[0-9A-Za-z][\w.-]{0,99}$/;
var PIN_NAME_PROBLEM = "is not 1 to 100 letters, digits and . _ - with a letter or digit at the beginning";
var text2 = string("is not a text");
var pinNameSchema = pipe(text2, regex(PIN_NAME, PIN_NAME_PROBLEM));
function countSchema(most) {
  return pipe(number(), safeInteger(), minValue(1), maxValue(most));
}
var KEEP_PROBLEM = `is not "forever", { "days": 1 to ${MAX_KEEP_DAYS} } or { "revisions": 1 to ${MAX_PIN_REVISIONS} }`;
var pinKeepSchema = union(
  [
    literal("forever"),
    object({ days: countSchema(MAX_KEEP_DAYS) }),
    object({ revisions: countSchema(MAX_PIN_REVISIONS) })
  ],
  KEEP_PROBLEM
);
var pinPathSchema = pipe(
  text2,
  check((base) => parseStorePathBaseName(base).ok, "is not <hash>-<name> of a store path")
);
var setPinSchema = object(
  { name: pinNameSchema, path: pinPathSchema, keep: pinKeepSchema },
  notAnObject
);
var removePinSchema = object({ name: pinNameSchema }, notAnObject);

// src/api/answers.ts
var publicKey = pipe(
  string("is not a text"),
  check((text3) => parsePublicKey(text3).ok, "is not a public key"),
  // Nix allows more. But in nix.conf a "#" would begin a comment, which hides the keys
  // behind it, and people copy these lines into other files.
  regex(/^[\w.@+/-]+:/, "is a public key whose name is not of letters, digits and . _ @ + / -")
);
var gatewayFactsSchema = object({
  /** Three numbers, perhaps with a suffix such as -rc.1. */
  version: pipe(string(), regex(/^[\w.+-]{1,64}$/, "is not a version")),
  storeDir: pipe(string(), regex(/^(?:\/[\w.+-]{1,255}){1,32}$/, "is not an absolute path")),
  priority: number(),
  access: union([literal("public"), literal("token")]),
  /** In Nix's format. Each key is checked, because clients write it into nix.conf. */
  publicKeys: pipe(array(publicKey), readonly()),
  /**
   * The keys with which the gateway signs what is pushed; empty if it does not sign.
   * They are among `publicKeys`. A gateway of version 0.1 does not say.
   */
  signingKeys: optional(pipe(array(publicKey), readonly())),
  /** "contents" if the gateway signs only paths whose NAR it has unpacked. A newer gateway may know more values. */
  proves: optional(string()),
  /** Whether the gateway accepts pushes. */
  uploads: boolean(),
  /** Bytes. The parts of a larger NAR go straight to the bucket. */
  partSizeThreshold: number(),
  /** A gateway of version 0.1.0 has no batches: a client asks it for each path. */
  batches: optional(batchLimitsSchema)
});
var tokenAnswerSchema = object({
  /** Names are shown to people, so they hold no spaces and no control characters. */
  name: pipe(string(), regex(/^[\x21-\x7e]{1,600}$/, "is not a plain name")),
  /** Texts rather than scopes: a newer gateway may know more scopes than this client. */
  scopes: array(string()),
  /** The last day on which the token is valid, in UTC: YYYY-MM-DD. Null for a token without one. */
  expires: nullish(pipe(string(), regex(/^\d{4}-\d{2}-\d{2}$/, "is not a day")))
});
var handle = {
  handle: string(),
  /** In ISO format, by the gateway's clock. */
  handleExpires: string()
};
var storedParts = array(object({ number: number(), size: number() }));
var signedUrls = {
  urls: array(object({ number: number(), url: string() })),
  /** The time until which the URLs are valid, in ISO format and by the gateway's clock. */
  urlsExpire: string()
};
var partUrlsSchema = object(signedUrls);
var partsSchema = object({ parts: storedParts });
var uploadStartedSchema = variant("status", [
  object({ status: literal("stored") }),
  object({
    status: literal("open"),
    ...handle,
    /** Bytes of the whole file. */
    size: number(),
    /** Bytes of every part but the last. */
    partSize: pipe(number(), minValue(1, "is not a number from 1 on")),
    /** The parts that an earlier try has left in the bucket. */
    parts: storedParts,
    ...signedUrls
  })
]);
var uploadProofSchema = variant("provedBy", [
  /** The bucket refuses a PUT with other bytes than its signature covers. */
  object({ provedBy: literal("bucket") }),
  /** The gateway reads large NARs back. `because` is a predicate about the bucket. */
  object({ provedBy: literal("gateway"), because: string() })
]);
var signedUploadSchema = variant("status", [
  object({ status: literal("stored") }),
  object({ status: literal("sent"), ...handle }),
  /** The client PUTs the NAR to `url` with exactly these headers, and within 15 minutes. */
  object({
    status: literal("open"),
    ...handle,
    url: string(),
    headers: record(string(), string())
  })
]);
var completionLineSchema = variant("status", [
  object({ status: literal("checking"), bytes: optional(number(), 0), size: optional(number()) }),
  object({ status: literal("copying") }),
  object({ status: literal("stored") })
]);
var missingAnswerSchema = object({
  /** Hash parts of the paths whose narinfo the bucket does not have. */
  missing: pipe(array(string()), readonly()),
  /** Hashes that the gateway has not looked for: the client asks for them again. */
  rest: pipe(array(string()), readonly())
});
var publishedLineSchema = union([
  /** The end of one narinfo. An error leaves everything published as it was. */
  object({ path: string(), outcome: string() }),
  object({ path: string(), error: object({ code: string(), message: string() }) }),
  /** Shows that the gateway is still at work. */
  object({ status: literal("publishing") }),
  /** The last line: the number of narinfos that the gateway took. */
  object({ took: number() })
]);
var time = pipe(
  string(),
  check((value) => !Number.isNaN(Date.parse(value)), "is not a time"),
  transform((value) => new Date(value))
);
var pinsAnswerSchema = object({
  revisions: pipe(
    array(
      object({
        name: pinNameSchema,
        path: pinPathSchema,
        /** By the gateway's clock, in ISO format. */
        at: time,
        by: string(),
        keep: pinKeepSchema
      })
    ),
    readonly()
  ),
  /** Names of objects that are not pins as this gateway writes them. */
  unreadable: pipe(array(string()), readonly()),
  /** The value of `after` for the next page. Null for the last page. */
  next: nullish(string())
});
var pinSetSchema = object({
  /** The number of revisions that the pin keeps now. */
  kept: number(),
  /** The number of older revisions that it no longer keeps, and that were removed. */
  dropped: number()
});
var pinRemovedSchema = object({
  /** The number of revisions that were removed. */
  removed: number(),
  /** Whether revisions are left: the client asks again. */
  rest: boolean()
});
var failureBodySchema = object({
  error: object({
    /** A code of `failures/failures.ts`, or of a newer gateway. */
    code: string(),
    message: string(),
    /** Finds the request in the operator's log. */
    requestId: optional(string())
  })
});

// src/api/failures/access-failures.ts
var ACCESS_FAILURES = {
  "credential-missing": {
    status: 401,
    message: "A token is required: put 'machine <this host> login nargate password <token>' into your netrc file, or send 'Authorization: Bearer <token>'."
  },
  "credential-wrong": {
    status: 401,
    message: "This token is unknown or has expired. Ask the operator of the cache for a new one."
  },
  "scope-missing": {
    status: 403,
    message: "This token does not allow this. Ask the operator of the cache for a token with the scope"
  },
  "uploads-off": {
    status: 403,
    message: "This cache accepts no uploads: its operator has set neither TOKENS nor OIDC_TRUST."
  },
  "oidc-malformed": { status: 401, message: "This OIDC token cannot be read:" },
  "oidc-issuer-unknown": {
    status: 401,
    message: "This cache trusts no OIDC token of the issuer"
  },
  "oidc-algorithm": {
    status: 401,
    message: "This cache accepts OIDC tokens that are signed with a key pair (such as RS256 or ES256), but not with the algorithm"
  },
  "oidc-signature": {
    status: 401,
    message: "No key of the issuer has signed this OIDC token."
  },
  "oidc-audience": {
    status: 401,
    message: "This OIDC token is for another audience. Ask the issuer for a token with the audience"
  },
  "oidc-expired": {
    status: 401,
    message: "This OIDC token has expired. Ask the issuer for a new one. This token ended at"
  },
  "oidc-not-yet": {
    status: 401,
    message: "This OIDC token is not valid yet. Try again later. It becomes valid at"
  },
  "oidc-claims": { status: 401, message: "This cache does not accept an OIDC token that has" },
  "oidc-issuer-unavailable": {
    status: 503,
    message: "The token cannot be checked, because the issuer of this OIDC token does not publish its keys right now. Try again shortly."
  }
};

// src/api/failures/catalog-failures.ts
var CATALOG_FAILURES = {
  "catalog-off": {
    status: 404,
    message: "This cache keeps no catalog. Its operator can turn it on with CATALOG=on."
  },
  "catalog-unavailable": {
    status: 503,
    message: "The catalog does not answer right now. Pulls work without it. Try again shortly."
  },
  "catalog-over-limit": {
    status: 503,
    message: "The catalog has used up what Cloudflare's free plan allows in a day. It goes on at 00:00 UTC. Pulls work without it, and so do pushes unless COLLECT is on."
  },
  "catalog-incomplete": {
    status: 503,
    message: "The catalog does not know this path yet: the gateway still lists the bucket for the first time. Try again later."
  },
  "path-not-in-catalog": {
    status: 404,
    message: "The catalog knows no such path, and no path that needs it."
  },
  "query-malformed": { status: 400, message: "The query is malformed" }
};

// src/api/failures/direct-upload-failures.ts
var DIRECT_UPLOAD_FAILURES = {
  "upload-malformed": { status: 400, message: "The request is malformed" },
  "upload-too-small": {
    status: 400,
    message: "Upload a NAR of this size with one PUT. Parts are for NARs larger than"
  },
  "handle-invalid": {
    status: 400,
    message: "The upload's handle is wrong or has expired. Start the upload again."
  },
  "handle-of-another": {
    status: 403,
    message: "The upload's handle belongs to another token. Start the upload again."
  },
  "payload-unchecked": {
    status: 409,
    message: "It is not certain that this bucket proves the bytes of a PUT. Send the NAR in another way."
  },
  "upload-incomplete": { status: 409, message: "The upload is not complete:" },
  "upload-gone": {
    status: 404,
    message: "This upload does not exist any more. Start it again."
  },
  "upload-changed": {
    status: 409,
    message: "The upload changed while it was checked. Nothing was stored. Start it again."
  }
};

// src/api/failures/read-failures.ts
var READ_FAILURES = {
  "not-found": { status: 404, message: "No such object in this cache." },
  "no-such-endpoint": { status: 404, message: "The API of this cache has no such path." },
  "host-unknown": {
    status: 421,
    message: "This cache does not answer to this host name. Its administrator can add the name to HOSTS."
  },
  "bad-path": { status: 404, message: "This is not a path of a Nix binary cache." },
  "method-not-allowed": { status: 405, message: "This path does not accept this method." },
  "range-not-satisfiable": { status: 416, message: "The range lies outside the object." },
  "bucket-unavailable": {
    status: 503,
    message: "The bucket behind this cache is not available right now. Try again shortly."
  },
  "bucket-cap-exceeded": {
    status: 503,
    message: "The bucket's daily cap is used up. It resets at 00:00 UTC. The operator can raise it under Caps & Alerts."
  },
  misconfigured: {
    status: 500,
    message: "This cache is not configured correctly. The operator finds the reason in the log."
  },
  internal: {
    status: 500,
    message: "The gateway failed. The operator finds the reason in the log."
  }
};

// src/api/failures/pin-failures.ts
var PIN_FAILURES = {
  "pin-path-absent": {
    status: 409,
    message: "Push the path before you pin it (nargate push; with --all if another cache signed it): the bucket does not hold"
  },
  "pin-path-differs": {
    status: 409,
    message: "The cache has a path of another name with this hash. Check the path."
  },
  "pin-full": {
    status: 409,
    message: "This pin has too many revisions. Limit it with --keep-revisions N or --keep-days N, or pin the path under another name. The most are"
  },
  "pin-unknown": {
    status: 404,
    message: "There is no pin of this name. nargate pins lists them."
  }
};

// src/api/failures/push-failures.ts
var PUSH_FAILURES = {
  "path-not-writable": {
    status: 400,
    message: "Nothing can be stored under this name. The name of a NAR is nar/<SHA-256 in nix32>.nar[.ext]."
  },
  // For Nix clients that must not try again (see http/nix-client.ts).
  "upload-failed": {
    status: 501,
    message: "The upload failed. You can start it again by hand:"
  },
  "length-required": { status: 411, message: "The request needs a Content-Length." },
  "body-too-large": { status: 413, message: "The body is larger than this object may be" },
  "body-too-short": { status: 400, message: "The body ended before its Content-Length." },
  "body-not-text": { status: 400, message: "The body is not UTF-8 text." },
  "content-encoding-refused": {
    status: 415,
    message: "Content-Encoding is not accepted here. Push without the store parameter narinfo-compression, and compress NARs with compression=zstd or xz."
  },
  "content-encoding-unknown": {
    status: 415,
    message: "This Content-Encoding is unknown. Use br, gzip, xz, zstd or bzip2."
  },
  "uploads-busy": {
    status: 503,
    message: "Too many uploads at once. Try again, or upload fewer paths at a time."
  },
  "nar-hash-mismatch": {
    status: 400,
    message: "The bytes do not hash to the SHA-256 in the file's name. Nothing was stored."
  },
  "nar-absent": {
    status: 400,
    message: "Push the NAR before its narinfo: the bucket does not hold"
  },
  "nar-wrong-size": { status: 400, message: "FileSize is not the size of the stored NAR" },
  "narinfo-malformed": { status: 400, message: "The narinfo is malformed" },
  "narinfo-wrong-path": {
    status: 400,
    message: "The narinfo's StorePath does not belong to the name under which it was put."
  },
  "narinfo-wrong-store": {
    status: 400,
    message: "The narinfo's StorePath is not in this cache's store directory"
  },
  "narinfo-bad-url": {
    status: 400,
    message: "The narinfo's URL must be nar/<FileHash in nix32>.nar[.ext]."
  },
  "narinfo-file-missing": {
    status: 400,
    message: "The narinfo has no FileHash or no FileSize. It needs both."
  },
  "narinfo-url-hash": {
    status: 400,
    message: "The hash in the narinfo's URL is not its FileHash."
  },
  "narinfo-extension": {
    status: 400,
    message: "The narinfo's Compression does not fit the extension of its URL (no Compression line means bzip2)."
  },
  "narinfo-uncompressed": {
    status: 400,
    message: "With Compression: none, FileHash must equal NarHash and FileSize must equal NarSize."
  },
  "contents-disproved": {
    status: 400,
    message: "The NAR does not hold what its narinfo says. Build the path again, or send its NAR and narinfo again:"
  },
  "proof-unfinished": {
    status: 503,
    message: "The gateway has unpacked only a part of the NAR, to compare it with NarHash. Push again: it goes on from there."
  },
  "narinfo-bad-signature": {
    status: 400,
    message: "A Sig line is not <key name>:<base64 of 64 bytes>."
  },
  "signature-required": {
    status: 400,
    message: "There is no signature by a key that this cache trusts. Sign the path first: nix store sign --key-file KEY --recursive PATH (or push with ?secret-key=KEY)."
  },
  "build-not-reproducible": {
    status: 409,
    message: "This store path is already published with other contents, because its build is not reproducible. The published contents stay"
  },
  "reference-not-published": {
    status: 424,
    message: "Not published, because a path of this batch that it needs was not published:"
  },
  "collection-off": {
    status: 409,
    message: "Nothing is removed from this cache: its operator can set COLLECT to on. A dry run works without it."
  },
  "reference-removed": {
    status: 409,
    message: "This path refers to a path that was removed from this cache. Push again with --refresh, so that Nix looks for it anew. Removed:"
  },
  "too-many-references": {
    status: 400,
    message: "This path has more than 4,000 references. The catalog of this cache cannot keep them, and with COLLECT=on nothing could be removed beside such a path."
  },
  "path-being-removed": {
    status: 503,
    message: "This path or its NAR is being removed from the cache. Push it again in ten minutes."
  },
  "push-needs-catalog": {
    status: 503,
    message: "The catalog of this cache does not answer, and without it nothing can be published while unneeded paths are removed (COLLECT=on). Try again in a minute."
  },
  "catalog-starting": {
    status: 503,
    message: "The catalog of this cache is new, and takes no pushes for the first eleven minutes. Try again later."
  },
  "realisation-malformed": { status: 400, message: "The realisation is malformed" },
  "cache-info-conflict": {
    status: 409,
    message: "This cache serves another store directory"
  },
  "not-deletable": { status: 400, message: "Only narinfos and NARs can be deleted." },
  "path-needed": {
    status: 409,
    message: "Other paths of this cache need this path, and clients could not pull them without it: nargate delete --with-referrers shows and deletes them all. They are"
  },
  "path-pinned": {
    status: 409,
    message: "A pin keeps this path. Remove the pin first (nargate unpin). The pins are"
  },
  "pins-unknown": {
    status: 409,
    message: "The gateway cannot read all pins, so it cannot tell whether one keeps this path. /healthz says why. To delete it all the same, repeat the request with ?force=true."
  },
  "nar-may-be-named": {
    status: 409,
    message: "A narinfo may still name this NAR, and the gateway cannot prove that none does. Delete those narinfos first, then repeat the request with ?force=true."
  },
  "purge-refused": {
    status: 503,
    message: "The object is deleted from the bucket, but the edge still has it: Cloudflare refused the purge. Repeat the DELETE in a minute."
  },
  "edge-not-purged": {
    status: 503,
    message: "The edge still has the object: Cloudflare refused the purge. Try again in a minute."
  }
};

// src/api/failures/failures.ts
var FAILURES = {
  ...READ_FAILURES,
  ...ACCESS_FAILURES,
  ...PUSH_FAILURES,
  ...DIRECT_UPLOAD_FAILURES,
  ...PIN_FAILURES,
  ...CATALOG_FAILURES
};
function isFailureCode(text3) {
  return Object.hasOwn(FAILURES, text3);
}

// src/client/gateway/cloudflare-answers.ts
function isBotChallenge(status, headers) {
  if (headers.has("cf-mitigated")) return true;
  const isHtml = (headers.get("content-type") ?? "").includes("text/html");
  return isHtml && (status === 403 || status === 503);
}

// src/client/gateway/narinfo-text.ts
import zlib from "node:zlib";

// src/nix/hash.ts
var DIGEST_BYTES = { md5: 16, sha1: 20, sha256: 32, sha512: 64 };
function parseHash(text3) {
  const match = /^([a-z0-9]+)([:-])(.*)$/s.exec(text3);
  if (match === null) return err("hash does not begin with an algorithm, as in sha256:");
  const [, algorithm = "", separator, digest = ""] = match;
  if (!isHashAlgorithm(algorithm)) return err("hash algorithm is not md5, sha1, sha256 or sha512");
  const bytes = separator === "-" ? parseBase64(digest) : parseDigest(digest, algorithm);
  if (!bytes.ok) return err(`hash is malformed: ${bytes.error}`);
  if (bytes.value.length !== DIGEST_BYTES[algorithm]) {
    return err("hash has the wrong length for its algorithm");
  }
  return ok({ algorithm, bytes: bytes.value });
}
function formatHash(hash2, encoding) {
  return encoding === "sri" ? `${hash2.algorithm}-${encodeBase64(hash2.bytes)}` : `${hash2.algorithm}:${formatDigest(hash2, encoding)}`;
}
function formatDigest(hash2, encoding) {
  switch (encoding) {
    case "nix32":
      return encodeNix32(hash2.bytes);
    case "base16":
      return encodeBase16(hash2.bytes);
    case "base64":
      return encodeBase64(hash2.bytes);
  }
}
function equalHashes(a, b) {
  return a.algorithm === b.algorithm && a.bytes.length === b.bytes.length && a.bytes.every((byte, index) => byte === b.bytes[index]);
}
function isHashAlgorithm(text3) {
  return Object.hasOwn(DIGEST_BYTES, text3);
}
function parseDigest(text3, algorithm) {
  const byteLength = DIGEST_BYTES[algorithm];
  switch (text3.length) {
    case byteLength * 2:
      return parseBase16(text3);
    case Math.ceil(byteLength * 8 / 5):
      return parseNix32(text3);
    case Math.ceil(byteLength / 3) * 4:
      return parseBase64(text3);
    default:
      return err(`no ${algorithm} digest has this length in base16, nix32 or base64`);
  }
}
function encodeBase16(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
function parseBase16(text3) {
  if (!/^[0-9a-f]*$/i.test(text3)) return err("base16 text holds a character outside 0-9 and a-f");
  return ok(Uint8Array.from(text3.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}

// src/nix/content-address.ts
var PREFIXES = { text: "text:", flat: "fixed:", nar: "fixed:r:", git: "fixed:git:" };
function parseContentAddress(text3) {
  const match = /^(text:|fixed:(?:r:|git:)?)([a-z0-9]+:[^:]+)$/.exec(text3);
  if (match === null) {
    return err(
      "content address is not text:<hash>, fixed:<hash>, fixed:r:<hash> or fixed:git:<hash>"
    );
  }
  const hash2 = parseHash(match[2] ?? "");
  if (!hash2.ok) return hash2;
  return ok({ method: methodOf(match[1] ?? ""), hash: hash2.value });
}
function hasUnknownAlgorithm(text3) {
  const match = /^(?:text:|fixed:(?:r:|git:)?)([a-z0-9]{1,32})[:-][0-9A-Za-z+/=]{1,256}$/.exec(
    text3
  );
  return match !== null && !isHashAlgorithm(match[1] ?? "");
}
async function computeStorePath(address, name, references, storeDir, self) {
  const { method, hash: hash2 } = address;
  const conflict = findConflict(address, references, self);
  if (conflict !== void 0) return err(conflict);
  if (method === "text" || isSource(address)) {
    const isSelf = (path5) => self !== void 0 && equalStorePaths(path5, self);
    const others = new Set(
      references.filter((path5) => !isSelf(path5)).map((path5) => formatStorePath(path5, storeDir))
    );
    const type = [method === "text" ? "text" : "source", ...[...others].toSorted()];
    if (references.some(isSelf)) type.push("self");
    return await makeStorePath(type, hash2, name, storeDir);
  }
  const prefix = PREFIXES[method].replace("fixed:", "fixed:out:");
  const inner = await hashText(`${prefix}${formatHash(hash2, "base16")}:`);
  return await makeStorePath(["output", "out"], inner, name, storeDir);
}
function findConflict(address, references, self) {
  const { method, hash: hash2 } = address;
  if (method === "text") {
    if (hash2.algorithm !== "sha256") return "the hash of a text content address must be sha256";
    return references.some((path5) => self !== void 0 && equalStorePaths(path5, self)) ? "a path with a text content address cannot have a reference to itself" : void 0;
  }
  if (method === "git" && hash2.algorithm !== "sha1" && hash2.algorithm !== "sha256") {
    return "the hash of a git content address must be sha1 or sha256";
  }
  return references.length > 0 && !isSource(address) ? "a path with this content address cannot have references: only text: and fixed:r:sha256: allow them" : void 0;
}
function isSource({ method, hash: hash2 }) {
  return method === "nar" && hash2.algorithm === "sha256";
}
async function makeStorePath(type, inner, name, storeDir) {
  const checkedName = parseStorePathName(name);
  if (!checkedName.ok) return checkedName;
  const fingerprint = `${type.join(":")}:${formatHash(inner, "base16")}:${storeDir}:${name}`;
  const { bytes } = await hashText(fingerprint);
  const hash2 = parseStorePathHash(encodeNix32(compressHash(bytes)));
  return hash2.ok ? ok({ hash: hash2.value, name: checkedName.value }) : hash2;
}
function compressHash(bytes) {
  const folded = new Uint8Array(20);
  bytes.forEach((byte, index) => {
    folded[index % folded.length] = (folded[index % folded.length] ?? 0) ^ byte;
  });
  return folded;
}
async function hashText(text3) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text3));
  return { algorithm: "sha256", bytes: new Uint8Array(digest) };
}
function methodOf(prefix) {
  switch (prefix) {
    case "text:":
      return "text";
    case "fixed:r:":
      return "nar";
    case "fixed:git:":
      return "git";
    default:
      return "flat";
  }
}

// src/nix/narinfo-fields.ts
var SINGLE_VALUED = /* @__PURE__ */ new Set([
  "StorePath",
  "URL",
  "Compression",
  "FileHash",
  "FileSize",
  "NarHash",
  "NarSize",
  "References",
  "Deriver",
  "CA"
]);
var MAX_LINES = 1e3;
function parseNarinfoFields(text3) {
  if (text3 === "") return err("the narinfo is empty");
  if (!text3.endsWith("\n")) return err("the last line has no line break at its end");
  if (hasMoreLines(text3, MAX_LINES)) return err(`it has more than ${MAX_LINES} lines`);
  const all = [];
  const single = /* @__PURE__ */ new Map();
  for (const [index, line] of text3.slice(0, -1).split("\n").entries()) {
    const field = parseLine(line);
    if (!field.ok) return err(`line ${index + 1} ${field.error}`);
    const { name, value } = field.value;
    if (SINGLE_VALUED.has(name)) {
      if (single.has(name)) return err(`line ${index + 1} repeats the field ${name}`);
      single.set(name, value);
    }
    all.push(field.value);
  }
  return ok({ all, single });
}
function hasMoreLines(text3, limit) {
  let lines = 0;
  for (let end = text3.indexOf("\n"); end !== -1; end = text3.indexOf("\n", end + 1)) {
    lines++;
    if (lines > limit) return true;
  }
  return false;
}
function parseLine(line) {
  if (line.endsWith("\r")) return err("ends in a carriage return");
  if (/[\0-\x1f\x7f]/.test(line)) return err("holds a control character");
  const colon = line.indexOf(":");
  if (colon === -1) return err("has no colon");
  if (colon === 0) return err("has no name before its colon");
  if (line.charAt(colon + 1) !== " ") return err("has no space after its colon");
  return ok({ name: line.slice(0, colon), value: line.slice(colon + 2) });
}

// src/nix/narinfo.ts
var MAX_NARINFO_BYTES = 2 * 1024 * 1024;
var MAX_STORED_NARINFO_BYTES = 2 * MAX_NARINFO_BYTES;
function parseNarinfo(text3, storeDir) {
  const fields = parseNarinfoFields(text3);
  if (!fields.ok) return fields;
  const { single } = fields.value;
  const storePath = parseField("StorePath", single, (value) => parseStorePath(value, storeDir));
  if (!storePath.ok) return storePath;
  const url = single.get("URL") ?? "";
  if (url === "") return err("URL is missing");
  const fileHash = parseOptionalField("FileHash", single, parseHash);
  if (!fileHash.ok) return fileHash;
  const fileSize = parseOptionalField("FileSize", single, parseSize);
  if (!fileSize.ok) return fileSize;
  const narHash = parseField("NarHash", single, parseHash);
  if (!narHash.ok) return narHash;
  if (narHash.value.algorithm !== "sha256") return err("NarHash is not a sha256 hash");
  const narSize = parseField("NarSize", single, parseSize);
  if (!narSize.ok) return narSize;
  if (narSize.value === 0) return err("NarSize is zero");
  const references = parseOptionalField("References", single, parseReferences);
  if (!references.ok) return references;
  const deriver = parseOptionalField("Deriver", single, parseDeriver);
  if (!deriver.ok) return deriver;
  const contentAddress = single.get("CA") || void 0;
  if (contentAddress !== void 0) {
    const address = parseContentAddress(contentAddress);
    if (!address.ok && !hasUnknownAlgorithm(contentAddress)) {
      return err(`CA is wrong: ${address.error}`);
    }
    const conflict = address.ok ? findConflict(address.value, references.value ?? [], storePath.value) : void 0;
    if (conflict !== void 0) return err(`CA is wrong: ${conflict}`);
  }
  return ok({
    storePath: storePath.value,
    url,
    compression: single.get("Compression") || "bzip2",
    fileHash: fileHash.value,
    fileSize: fileSize.value,
    narHash: narHash.value,
    narSize: narSize.value,
    references: references.value ?? [],
    deriver: deriver.value,
    signatures: fields.value.all.filter(isSignature).map((field) => field.value),
    contentAddress,
    fields: fields.value.all
  });
}
function formatNarinfo(narinfo) {
  return narinfo.fields.map(({ name, value }) => `${name}: ${value}
`).join("");
}
function withSignatures(narinfo, signatures) {
  if (signatures.some((value) => /[\0-\x1f\x7f]/.test(value))) {
    throw new TypeError("a signature holds a control character");
  }
  const { fields } = narinfo;
  const place = [fields.findIndex(isSignature), fields.findIndex(({ name }) => name === "CA")].find(
    (index) => index !== -1
  );
  const before = fields.slice(0, place);
  const after = place === void 0 ? [] : fields.slice(place).filter((field) => !isSignature(field));
  const added = signatures.map((value) => ({ name: "Sig", value }));
  return { ...narinfo, signatures: [...signatures], fields: [...before, ...added, ...after] };
}
function isSignature(field) {
  return field.name === "Sig";
}
function parseField(name, fields, parse) {
  const value = fields.get(name);
  if (value === void 0) return err(`${name} is missing`);
  const parsed = parse(value);
  return parsed.ok ? parsed : err(`${name} is wrong: ${parsed.error}`);
}
function parseOptionalField(name, fields, parse) {
  return fields.has(name) ? parseField(name, fields, parse) : ok(void 0);
}
function parseSize(text3) {
  const size = Number(text3);
  return /^(?:0|[1-9]\d*)$/.test(text3) && Number.isSafeInteger(size) ? ok(size) : err("it is not a number of bytes in plain digits");
}
function parseReferences(text3) {
  const references = /* @__PURE__ */ new Map();
  for (const baseName of text3.split(" ")) {
    if (baseName === "") continue;
    const path5 = parseStorePathBaseName(baseName);
    if (!path5.ok) return path5;
    references.set(baseName, path5.value);
  }
  return ok([...references.values()]);
}
function parseDeriver(text3) {
  if (text3 === "unknown-deriver") return ok(void 0);
  const path5 = parseStorePathBaseName(text3);
  return path5.ok ? ok(text3) : path5;
}

// src/client/gateway/narinfo-text.ts
var MAX_TEXT_BYTES = 8 * 1024 * 1024;
var ZSTD_MAGIC = Buffer.from([40, 181, 47, 253]);
var OTHER_MAGIC = [
  Buffer.from("ý7zXZ", "latin1"),
  Buffer.from("BZh"),
  Buffer.from([31, 139])
];
function parseStoredNarinfo(body, storeDir) {
  const startsWith = (magic) => body.subarray(0, magic.length).equals(magic);
  if (OTHER_MAGIC.some(startsWith)) return ok("unreadable");
  if (!startsWith(ZSTD_MAGIC)) return parseNarinfo(body.toString(), storeDir);
  try {
    const text3 = zlib.zstdDecompressSync(body, { maxOutputLength: MAX_TEXT_BYTES }).toString();
    const narinfo = parseNarinfo(text3, storeDir);
    return narinfo.ok ? narinfo : ok("unreadable");
  } catch {
    return ok("unreadable");
  }
}

// src/http/retry.ts
var READ_RETRIES = {
  attempts: 4,
  budgetMilliseconds: 15e3,
  timeoutMilliseconds: 1e4
};
var SMALL_READ_RETRIES = { ...READ_RETRIES, timeoutMilliseconds: 5e3 };
var WRITE_RETRIES = {
  attempts: 5,
  budgetMilliseconds: 6e4,
  timeoutMilliseconds: 45e3
};
var SINGLE_WRITE = { ...WRITE_RETRIES, attempts: 1 };
var BASE_MILLISECONDS = 200;
var CAP_MILLISECONDS = 5e3;
function isTransientStatus(status) {
  return status === 408 || status === 429 || status >= 500 && status !== 501 && status !== 505;
}
function retryPauseMilliseconds(attempt, retryAfterSeconds, random) {
  const ceiling = Math.min(CAP_MILLISECONDS, BASE_MILLISECONDS * 2 ** (attempt - 1));
  return (retryAfterSeconds ?? 0) * 1e3 + random() * ceiling;
}
function parseRetryAfter(header, now) {
  if (header === null) return void 0;
  if (/^\d{1,6}$/.test(header.trim())) return Number(header);
  const time2 = Date.parse(header);
  return Number.isNaN(time2) ? void 0 : Math.max(0, (time2 - now.getTime()) / 1e3);
}

// src/client/gateway/http-client.ts
var Unreachable = class extends ClientError {
};
var MAX_ANSWER_BYTES = 16 * 1024 * 1024;
var OversizedAnswer = class extends ClientError {
  constructor(url, maxBytes) {
    const { host, pathname } = new URL(url);
    super(
      `${host} answered with more than ${maxBytes / 1024 / 1024} MB to ${pathname.slice(0, 100)}. Check that the URL is right`
    );
  }
};
var HTTP_RETRIES = { attempts: 6, idleMilliseconds: 9e4 };
var CHUNK_BYTES = 64 * 1024;
function bytesBody(bytes) {
  return {
    sizeBytes: bytes.byteLength,
    async *open() {
      for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
        yield bytes.subarray(start, start + CHUNK_BYTES);
      }
    }
  };
}
function textBody(text3) {
  return bytesBody(new TextEncoder().encode(text3));
}
async function readBody(body) {
  const chunks = [];
  for await (const chunk of body.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
function createHttpClient({ fetch: fetch2, now, random, sleep: sleep2, signal }, retries = HTTP_RETRIES) {
  async function attempt(request, onLine) {
    const idle = createIdleTimer(retries.idleMilliseconds, signal);
    try {
      const { body, maxAnswerBytes = MAX_ANSWER_BYTES } = request;
      const response = await fetch2(request.url, {
        method: request.method,
        headers: {
          ...request.headers,
          // Without Content-Length, fetch sends a stream chunked, which S3 refuses.
          ...body === void 0 ? {} : { "content-length": String(body.sizeBytes) }
        },
        redirect: "manual",
        signal: idle.signal,
        ...body === void 0 ? {} : { body: countSent(request, body, idle), duplex: "half" }
      });
      const lines = response.ok ? onLine : void 0;
      const chunks = [];
      let kept = 0;
      let rest = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        idle.touch();
        if (lines === void 0) {
          kept += chunk.byteLength;
          if (kept > maxAnswerBytes) throw new OversizedAnswer(request.url, maxAnswerBytes);
          chunks.push(chunk);
          continue;
        }
        const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = parts.pop() ?? "";
        if (rest.length > maxAnswerBytes) throw new OversizedAnswer(request.url, maxAnswerBytes);
        for (const line of parts) if (line !== "") lines(line);
      }
      return { status: response.status, headers: response.headers, body: Buffer.concat(chunks) };
    } finally {
      idle.stop();
    }
  }
  async function sendWithRetries(request, onLine) {
    let hasBegun = false;
    const handOver = onLine === void 0 ? void 0 : (line) => {
      hasBegun = true;
      onLine(line);
    };
    const attempts = request.attempts ?? retries.attempts;
    for (let count = 1; ; count++) {
      let failure;
      let retryAfterSeconds;
      try {
        const answer = await attempt(request, handOver);
        if (!isTransientStatus(answer.status) || count >= attempts) return answer;
        retryAfterSeconds = parseRetryAfter(answer.headers.get("retry-after"), now());
      } catch (error2) {
        failure = error2;
      }
      signal.throwIfAborted();
      if (failure instanceof OversizedAnswer) throw failure;
      if (failure !== void 0 && (hasBegun || count >= attempts)) {
        const { host } = new URL(request.url);
        throw new Unreachable(`cannot reach ${host}: ${describeError(failure)}`, {
          cause: failure
        });
      }
      await sleep2(retryPauseMilliseconds(count, Math.min(60, retryAfterSeconds ?? 0), random));
    }
  }
  return {
    send: (request) => sendWithRetries(request),
    sendForLines: (request, onLine) => sendWithRetries(request, onLine)
  };
}
async function* countSent(request, body, idle) {
  let sent = 0;
  request.onSent?.(sent);
  for await (const chunk of body.open()) {
    yield chunk;
    sent += chunk.byteLength;
    idle.touch();
    request.onSent?.(sent);
  }
}
function createIdleTimer(milliseconds, parent) {
  const controller = new AbortController();
  const abortToo = () => controller.abort(parent.reason);
  if (parent.aborted) abortToo();
  else parent.addEventListener("abort", abortToo, { once: true });
  const timer = setTimeout(() => {
    controller.abort(new Error(`no data for ${milliseconds / 1e3} s`));
  }, milliseconds);
  return {
    signal: controller.signal,
    touch: () => void timer.refresh(),
    stop() {
      clearTimeout(timer);
      parent.removeEventListener("abort", abortToo);
    }
  };
}

// src/client/gateway/cache-client.ts
var CacheRefusal = class extends ClientError {
  status;
  /** A code of `src/api/failures`, if the API gave one. */
  code;
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
};
function createCacheClient(url, token, http) {
  async function prepare({ target, ...request }) {
    const credential = await token();
    return {
      ...request,
      url: `${url}/${target}`,
      headers: {
        "user-agent": "nargate",
        ...request.headers,
        ...credential === void 0 ? {} : { authorization: `Bearer ${credential}` }
      }
    };
  }
  async function receiveLines(request, onLine) {
    const { target } = request;
    const answer = await http.sendForLines(
      await prepare(request),
      (line) => onLine(parseJson(target, line))
    );
    if (answer.status !== 200) throw refusalOf(target, answer);
  }
  return {
    url,
    send: async (request) => await http.send(await prepare(request)),
    async put(target, contentType, body, onSent) {
      const headers = { "content-type": contentType };
      const progress = onSent === void 0 ? {} : { onSent };
      const request = { method: "PUT", target, headers, body, ...progress };
      const answer = await http.send(await prepare(request));
      if (!isSuccess(answer)) throw refusalOf(target, answer);
    },
    async call(method, target, input) {
      const answer = await http.send(await prepare(apiRequest(method, target, input)));
      if (!isSuccess(answer)) throw refusalOf(target, answer);
      return answer.body.length === 0 ? void 0 : parseJson(target, answer.body.toString());
    },
    callForLines: (target, input, onLine) => receiveLines(apiRequest("POST", target, input), onLine),
    getLines: (target, onLine) => receiveLines(apiRequest("GET", target), onLine),
    async callWithLines(target, inputs, onLine) {
      const text3 = inputs.map((input) => `${JSON.stringify(input)}
`).join("");
      const headers = { "content-type": "application/x-ndjson" };
      const body = textBody(text3);
      await receiveLines({ method: "POST", target, headers, body }, onLine);
    },
    async readNarinfo(hash2, storeDir, isFresh = false) {
      const target = `${hash2}.narinfo`;
      const headers = isFresh ? { "cache-control": "no-cache" } : {};
      const answer = await http.send(await prepare({ method: "GET", target, headers }));
      if (answer.status === 404) return void 0;
      if (answer.status !== 200) throw refusalOf(target, answer);
      const narinfo = parseStoredNarinfo(answer.body, storeDir);
      if (!narinfo.ok)
        throw new ClientError(`the cache has a malformed ${target}: ${narinfo.error}`);
      return narinfo.value;
    }
  };
}
function isSuccess({ status }) {
  return status >= 200 && status <= 299;
}
function apiRequest(method, target, input) {
  if (input === void 0) return { method, target };
  const body = textBody(JSON.stringify(input));
  return { method, target, headers: { "content-type": "application/json" }, body };
}
function refusalOf(what, { status, headers, body }) {
  if (isBotChallenge(status, headers)) {
    return new CacheRefusal(
      `${what}: ${status}, a bot challenge of Cloudflare: the request did not reach the cache. Run nargate doctor to see the remedy`,
      status,
      void 0
    );
  }
  const text3 = body.toString().slice(0, 64 * 1024);
  const error2 = readApiError(text3);
  const isHtml = (headers.get("content-type") ?? "").includes("html");
  const firstLine = isHtml ? "" : (text3.split("\n")[0] ?? "").trim();
  const sentence = (error2?.message ?? firstLine) || "no reason given";
  return new CacheRefusal(`${what}: ${status} ${toOneLine(sentence)}`, status, error2?.code);
}
function readError(value) {
  const body = readShape(failureBodySchema, value);
  if (!body.ok) return void 0;
  const { code, message } = body.value.error;
  const known = isFailureCode(code) ? FAILURES[code].message : code;
  return { code, message: toOneLine(message || known) };
}
function readApiError(text3) {
  try {
    return readError(JSON.parse(text3));
  } catch {
    return void 0;
  }
}
function parseJson(target, text3) {
  try {
    return JSON.parse(text3);
  } catch {
    throw new ClientError(
      `${target}: the answer is not JSON. Check that the URL is the URL of a Nargate cache`
    );
  }
}

// src/client/gateway/find-token.ts
import { readFile } from "node:fs/promises";
import { join } from "node:path";

// src/client/read-given-file.ts
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
var STANDARD_INPUT = ["-", "/dev/stdin", "/dev/fd/0"];
var MAX_BYTES = 64 * 1024;
function isStandardInput(file) {
  return STANDARD_INPUT.includes(file);
}
async function readGivenFile(flag, file, context) {
  try {
    const source = isStandardInput(file) ? context.stdin : createReadStream(resolve(context.cwd, file));
    return (await readBounded(source, `${flag} ${file}`)).trim();
  } catch (error2) {
    if (error2 instanceof UsageError) throw error2;
    throw new UsageError(`cannot read ${flag} ${file}: ${describeCode(error2)}`);
  }
}
var REASONS = {
  ENOENT: "there is no such file",
  EACCES: "you may not read it",
  EISDIR: "it is a directory"
};
function describeCode(error2) {
  const { code = "unknown error" } = error2;
  return REASONS[code] ?? code;
}
async function readBounded(source, name) {
  const chunks = [];
  let size = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk);
    size += bytes.byteLength;
    if (size > MAX_BYTES) throw new UsageError(`${name} is too long to be such a file`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

// src/client/gateway/netrc.ts
function findNetrcPassword(text3, hostname) {
  const words = withoutMacros(text3).filter((line) => !line.trimStart().startsWith("#")).flatMap((line) => line.split(/\s+/)).filter((word) => word !== "");
  let isMeant = false;
  for (let index = 0; index < words.length; index++) {
    switch (words[index]?.toLowerCase()) {
      case "machine":
        isMeant = words[++index]?.toLowerCase() === hostname.toLowerCase();
        break;
      case "default":
        isMeant = true;
        break;
      case "login":
      case "account":
        index++;
        break;
      case "password": {
        const password = words[++index];
        if (isMeant) return password === void 0 ? void 0 : unquote(password);
        break;
      }
      default:
    }
  }
  return void 0;
}
function withoutMacros(text3) {
  let isInMacro = false;
  return text3.split("\n").flatMap((line) => {
    if (isInMacro) {
      isInMacro = line.trim() !== "";
      return [];
    }
    const start = line.search(/(?:^|\s)macdef(?:\s|$)/i);
    if (start < 0 || line.trimStart().startsWith("#")) return [line];
    isInMacro = true;
    return [line.slice(0, start)];
  });
}
function unquote(word) {
  const quoted = /^"(.*)"$/.exec(word)?.[1];
  return quoted === void 0 ? word : quoted.replace(/\\(.)/g, "$1");
}
function setNetrcPassword(text3, hostname, password) {
  if (hasEntry(text3, hostname) && findNetrcPassword(text3, hostname) === password) return text3;
  return `machine ${hostname} login nargate password ${password}
${withoutEntry(text3, hostname)}`;
}
function entryPattern(hostname) {
  const name = hostname.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(
    `^[ \\t]*machine\\s+${name}(?=\\s|$)(?:\\s+(?:login|password|account)\\s+\\S+)*[ \\t]*(?:\\n|$)`,
    "gim"
  );
}
function hasEntry(text3, hostname) {
  return entryPattern(hostname).test(text3);
}
function withoutEntry(text3, hostname) {
  return text3.replace(entryPattern(hostname), "");
}

// src/client/gateway/find-token.ts
async function findToken(cacheUrl, tokenFile, context) {
  const found = await lookForToken(new URL(cacheUrl).hostname, tokenFile, context);
  if (found === void 0) return void 0;
  if (!/^[\x21-\x7e]{1,16384}$/.test(found.token)) {
    throw new UsageError(
      `the token from ${found.source} is empty, too long, or contains a space or an unprintable character. Check that it is only the token`
    );
  }
  requireSafeForTokens(cacheUrl);
  return found;
}
function requireSafeForTokens(cacheUrl) {
  const url = new URL(cacheUrl);
  if (isSecureUrl(url)) return;
  throw new UsageError(
    `refusing to send a token to ${url.hostname} over plain http. Use an https URL`
  );
}
async function lookForToken(hostname, tokenFile, context) {
  if (tokenFile !== void 0) {
    const token = await readGivenFile("--token-file", tokenFile, context);
    return { token, source: isStandardInput(tokenFile) ? "standard input" : tokenFile };
  }
  const { env } = context;
  const fromEnvironment = env["NARGATE_TOKEN"]?.trim() ?? "";
  if (fromEnvironment !== "") return { token: fromEnvironment, source: "NARGATE_TOKEN" };
  for (const file of netrcFiles(env)) {
    const text3 = await readFile(file, "utf8").catch(() => "");
    const token = findNetrcPassword(text3, hostname);
    if (token !== void 0 && token !== "") return { token, source: file };
  }
  return void 0;
}
function netrcFiles(env) {
  const home = env["HOME"] || void 0;
  const config = env["XDG_CONFIG_HOME"] || home && join(home, ".config");
  return [
    ...env["NETRC"] ? [env["NETRC"]] : [],
    ...config === void 0 ? [] : [join(config, "nix/netrc")],
    ...home === void 0 ? [] : [join(home, ".netrc")],
    join(env["NIX_CONF_DIR"] ?? "/etc/nix", "netrc")
  ];
}

// src/client/gateway/open-cache.ts
async function openCache(options, context, retries) {
  const url = parseCacheUrl(options.to ?? context.env["NARGATE_URL"] ?? "");
  const http = createHttpClient(context, retries);
  const { tokens } = options;
  if (tokens !== void 0) {
    requireSafeForTokens(url);
    const token2 = { token: await tokens.current(), source: tokens.name };
    return { ...clientsOf(url, () => tokens.current(), http, context), http, token: token2 };
  }
  const token = await findToken(url, options.tokenFile, context);
  return { ...clientsOf(url, async () => token?.token, http, context), http, token };
}
var FIRST_CONTACT = { attempts: 3, idleMilliseconds: 2e4 };
function clientsOf(url, token, http, context) {
  return {
    client: createCacheClient(url, token, http),
    firstContact: createCacheClient(url, token, createHttpClient(context, FIRST_CONTACT))
  };
}
var HOST_FIRST = /^(?:[\w.-]+\.[\w-]+|\[[\d:a-f.]+\]|localhost)(?::\d+)?(?:\/|$)/i;
function parseCacheUrl(text3) {
  if (text3 === "") throw new UsageError("no cache is given: use --to URL, or set NARGATE_URL");
  if (HOST_FIRST.test(text3) && URL.canParse(`https://${text3}`)) {
    const scheme = isLoopback(new URL(`https://${text3}`).hostname) ? "http" : "https";
    throw new UsageError(`${text3} has no scheme. Did you mean ${scheme}://${text3}?`);
  }
  if (!/^https?:\/\//.test(text3) || !URL.canParse(text3)) {
    throw new UsageError(
      `${text3} is not an http or https URL. Give the address of the cache, such as https://cache.example.org`
    );
  }
  const { username, password, search, hash: hash2, origin, pathname } = new URL(text3);
  if (username + password + search + hash2 !== "") {
    throw new UsageError(
      "the URL of the cache must not contain a user, a password, a query (?) or a fragment (#)"
    );
  }
  return origin + pathname.replace(/\/+$/, "");
}

// src/api/endpoints.ts
var ENDPOINTS = {
  cache: "api/v1/cache",
  token: "api/v1/token",
  purge: "api/v1/purge",
  missing: "api/v1/missing",
  publish: "api/v1/publish",
  pins: "api/v1/pins",
  pinRemoval: "api/v1/pins/remove",
  paths: "api/v1/paths",
  search: "api/v1/search",
  stats: "api/v1/stats",
  collect: "api/v1/gc",
  collectionState: "api/v1/gc/state",
  plannedPaths: "api/v1/gc/paths",
  why: "api/v1/why",
  uploads: "api/v1/uploads",
  uploadProof: "api/v1/uploads/proof",
  signedUpload: "api/v1/uploads/signed",
  uploadUrls: "api/v1/uploads/urls",
  uploadParts: "api/v1/uploads/parts",
  uploadAbort: "api/v1/uploads/abort",
  uploadComplete: "api/v1/uploads/complete"
};

// src/api/tokens.ts
var SCOPES = ["read", "push", "admin"];
function isScope(value) {
  return SCOPES.some((scope) => scope === value);
}

// src/client/gateway/token-facts.ts
async function readTokenFacts(client) {
  const answer = readShape(tokenAnswerSchema, await client.call("GET", ENDPOINTS.token));
  if (!answer.ok) {
    throw new ClientError(
      `${client.url} does not look like a Nargate cache (in the answer to GET ${ENDPOINTS.token}, ${answer.error})`
    );
  }
  const { name, scopes, expires } = answer.value;
  return { name, scopes: scopes.filter(isScope), expires: expires ?? void 0 };
}

// src/client/local-nix/store-location.ts
function storeArgs({ url }) {
  return url === void 0 ? [] : ["--store", url];
}
function findStore(storeUrl, env) {
  const storeDir = withoutFinalSlash(env["NIX_STORE_DIR"] ?? env["NIX_STORE"] ?? "/nix/store");
  const url = storeUrl ?? env["NIX_REMOTE"] ?? "";
  if (url.startsWith("/")) return { storeDir, directory: withoutFinalSlash(url) + storeDir };
  const [name = "", query = ""] = url.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const logical = withoutFinalSlash(parameters.get("store") ?? storeDir);
  const local = /^(?:|auto|daemon|local|unix:\/\/.*|local:\/\/(.*))$/.exec(name);
  if (local === null) return { storeDir: logical, directory: void 0 };
  const root = parameters.get("root") ?? local[1] ?? "";
  const directory = parameters.get("real") ?? withoutFinalSlash(root) + logical;
  return { storeDir: logical, directory: withoutFinalSlash(directory) };
}
function withoutFinalSlash(text3) {
  return text3.replace(/\/+$/, "");
}

// src/client/local-nix/run-nix.ts
import { spawn as spawn2 } from "node:child_process";
import { lstat } from "node:fs/promises";
import path from "node:path";
function startNix({ program, args, input }, { env, cwd, signal }) {
  const child = spawn2(
    program,
    args,
    {
      cwd,
      env: { ...env, NIX_CONFIG: withCommands(env["NIX_CONFIG"]) },
      stdio: ["pipe", "pipe", "pipe"],
      signal
    }
  );
  child.stdin.on("error", () => {
  });
  child.stdin.end(input ?? "");
  let said = "";
  child.stderr.on("data", (chunk) => {
    said = (said + chunk.toString()).slice(-MAX_STDERR_CHARACTERS);
  });
  const ended = new Promise((resolve3, reject) => {
    child.once("error", (error2) => {
      reject(
        error2.code === "ENOENT" ? new ClientError(`${program} is not on the PATH; install Nix`) : new ClientError(`${program}: ${error2.message}`)
      );
    });
    child.once("close", (code, killedBy) => {
      if (code === 0) resolve3();
      else
        reject(
          new ClientError(`${program}: ${lastLine(said) ?? `it ended with ${code ?? killedBy}`}`)
        );
    });
  });
  ended.catch(() => {
  });
  return { stdout: child.stdout, ended, kill: () => void child.kill() };
}
async function runNix(invocation, context) {
  const running = startNix(invocation, context);
  const chunks = [];
  for await (const chunk of running.stdout) chunks.push(chunk);
  await running.ended;
  return Buffer.concat(chunks).toString();
}
function withCommands(nixConfig = "") {
  return `${nixConfig}
extra-experimental-features = nix-command
`;
}
var MAX_STDERR_CHARACTERS = 16 * 1024;
var ANSI = /\u001b\[[0-9;]*m/g;
function lastLine(text3) {
  return text3.replace(ANSI, "").split("\n").map((line) => line.trim()).findLast((line) => line !== "");
}
async function startDump(storePath, store, context) {
  const { directory } = store;
  if (directory !== void 0) {
    const file = path.join(directory, formatStorePathBaseName(storePath));
    if (await exists(file))
      return startNix({ program: "nix-store", args: ["--dump", file] }, context);
  }
  const args = ["store", "dump-path", ...storeArgs(store)];
  args.push(formatStorePath(storePath, store.storeDir));
  return startNix({ program: "nix", args }, context);
}
async function exists(file) {
  return await lstat(file).then(
    () => true,
    () => false
  );
}

// src/action/change-file.ts
import { randomUUID as randomUUID2 } from "node:crypto";
import { readFile as readFile3, rm as rm2, writeFile as writeFile3 } from "node:fs/promises";
import path2 from "node:path";

// src/client/replace-file.ts
import {
  chmod,
  chown,
  mkdir,
  readFile as readFile2,
  readlink,
  rename,
  rm,
  stat,
  writeFile as writeFile2
} from "node:fs/promises";
import { dirname, resolve as resolve2 } from "node:path";
async function replaceFile(file, text3, { isSecret }) {
  const target = await followLinks(file);
  const temporary = `${target}.nargate-new`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const old = await stat(target).catch(() => void 0);
    if (old?.isFile() === false)
      throw new ClientError(`cannot write ${target}: it is not a regular file`);
    await rm(temporary, { force: true });
    await writeFile2(temporary, text3, { mode: isSecret ? 384 : 420, flag: "wx" });
    if (old !== void 0) {
      await chown(temporary, old.uid, old.gid).catch(() => {
      });
      await chmod(temporary, old.mode & (isSecret ? 504 : 511));
    }
    await rename(temporary, target);
  } catch (error2) {
    await rm(temporary, { force: true }).catch(() => {
    });
    if (error2 instanceof ClientError) throw error2;
    throw new ClientError(`cannot write ${target}: ${error2.code}`);
  }
}
async function findStoreTarget(file) {
  const target = await followLinks(file);
  return target.startsWith("/nix/store/") ? target : void 0;
}
var MAX_LINKS = 40;
async function followLinks(file) {
  let target = file;
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = await readlink(target).catch(() => void 0);
    if (next === void 0) break;
    target = resolve2(dirname(target), next);
  }
  return target;
}

// src/action/change-file.ts
var OWN_FILES = {
  isRoot: false,
  async read(file) {
    try {
      return await readFile3(file, "utf8");
    } catch (error2) {
      const { code } = error2;
      if (code === "ENOENT") return void 0;
      throw new ClientError(`cannot read ${file}: ${code}`);
    }
  },
  async write(file, text3, options) {
    await replaceFile(file, text3, options);
  },
  async remove(file) {
    await rm2(file, { force: true });
  }
};
async function changeFile(file, edit, { files, workDirectory, isSecret, onChange }) {
  const found = await files.read(file);
  const before = found ?? "";
  const after = edit(before);
  if (after === before) return void 0;
  const id = randomUUID2();
  await writeFile3(copyOf("before", id, workDirectory), before, { mode: 384 });
  await writeFile3(copyOf("after", id, workDirectory), after, { mode: 384 });
  const change = { file, isRoot: files.isRoot, isSecret, existed: found !== void 0, id };
  onChange(change);
  await files.write(file, after, { isSecret });
  return change;
}
async function undoChange({ file, isSecret, existed, id }, files, workDirectory) {
  const now = await files.read(file);
  if (now === void 0) return;
  const before = await readFile3(copyOf("before", id, workDirectory), "utf8");
  const after = await readFile3(copyOf("after", id, workDirectory), "utf8");
  if (now === after && !existed) return await files.remove(file);
  const oldLines = new Set(before.split("\n"));
  const doomed = new Set(
    after.split("\n").filter((line) => !oldLines.has(line) && (isSecret || line.includes(workDirectory)))
  );
  const rest = now.split("\n").filter((line) => !doomed.has(line));
  const text3 = now === after ? before : rest.join("\n");
  if (text3 !== now) await files.write(file, text3, { isSecret });
}
function copyOf(which, id, workDirectory) {
  return path2.join(workDirectory, `${which}-${id}`);
}

// src/action/root-access.ts
import { spawn as spawn3 } from "node:child_process";
import { stat as stat2 } from "node:fs/promises";
async function runTool([program = "", ...args], { env, cwd, signal }, input = "") {
  return await new Promise((resolve3) => {
    const child = spawn3(program, args, { env: { ...env }, cwd, signal });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.resume();
    child.stdin.on("error", () => {
    });
    child.stdin.end(input);
    child.once("error", () => resolve3({ isDone: false, stdout: "" }));
    child.once(
      "close",
      (code) => resolve3({ isDone: code === 0, stdout: Buffer.concat(chunks).toString() })
    );
  });
}
function createRootFiles(context) {
  async function sudo(args, input) {
    const { isDone, stdout } = await runTool(["sudo", "-n", ...args], context, input);
    if (!isDone) throw new ClientError(`sudo ${args.join(" ")} failed`);
    return stdout;
  }
  return {
    isRoot: true,
    async read(file) {
      if (await isAbsent(file)) return void 0;
      return await sudo(["cat", file]);
    },
    async write(file, text3, { isSecret }) {
      if (await isAbsent(file)) {
        await sudo(["install", "-m", isSecret ? "600" : "644", "/dev/null", file]);
      }
      await sudo(["tee", file], text3);
    },
    async remove(file) {
      await sudo(["rm", "-f", file]);
    }
  };
}
async function isAbsent(file) {
  return await stat2(file).then(
    () => false,
    (error2) => error2.code === "ENOENT"
  );
}
var LAUNCHD_SERVICES = ["systems.determinate.nix-daemon", "org.nixos.nix-daemon"];
async function restartDaemon(context) {
  const commands = context.platform === "darwin" ? LAUNCHD_SERVICES.map((name) => ["launchctl", "kickstart", "-k", `system/${name}`]) : [["systemctl", "restart", "nix-daemon.service"]];
  for (const command of commands) {
    const { isDone } = await runTool(["sudo", "-n", ...command], context);
    if (isDone) return command.join(" ");
  }
  return void 0;
}

// src/action/job-state.ts
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path3 from "node:path";

// src/client/read-field.ts
function readField(value, name) {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : void 0;
}
function readList(value, name) {
  const list = readField(value, name);
  return Array.isArray(list) ? list : [];
}

// src/action/job-state.ts
var WORK_DIRECTORY_PREFIX = "nargate-";
async function makeWorkDirectory(env) {
  return await mkdtemp(path3.join(temporaryDirectoryOf(env), WORK_DIRECTORY_PREFIX));
}
function isWorkDirectory(directory, env) {
  const name = path3.basename(directory);
  return directory === path3.join(temporaryDirectoryOf(env), name) && new RegExp(`^${WORK_DIRECTORY_PREFIX}[A-Za-z0-9]{6}$`).test(name);
}
function temporaryDirectoryOf(env) {
  return env["RUNNER_TEMP"] || tmpdir();
}
var JOB_STATE = "nargate";
function formatJobState(state) {
  return JSON.stringify(state);
}
function parseJobState(text3) {
  if (text3 === "") return void 0;
  const json = JSON.parse(text3);
  const workDirectory = readField(json, "workDirectory");
  const pushBy = readField(json, "pushBy");
  const reason = readField(json, "reason");
  if (typeof workDirectory !== "string" || typeof reason !== "string") return void 0;
  return {
    workDirectory,
    pushBy: pushBy === "token" || pushBy === "oidc" ? pushBy : void 0,
    reason,
    publicKeys: readList(json, "publicKeys").filter((key) => typeof key === "string"),
    changes: readList(json, "changes").flatMap(readChange)
  };
}
function readChange(value) {
  const file = readField(value, "file");
  const id = readField(value, "id");
  if (typeof file !== "string" || typeof id !== "string") return [];
  const isTrue = (name) => readField(value, name) === true;
  const flags = {
    isRoot: isTrue("isRoot"),
    isSecret: isTrue("isSecret"),
    existed: isTrue("existed")
  };
  return [{ file, id, ...flags }];
}

// src/action/new-paths.ts
import { readFile as readFile4, writeFile as writeFile4 } from "node:fs/promises";
import path4 from "node:path";

// src/client/local-nix/path-info.ts
function parsePathInfos(text3, storeDir) {
  let json;
  try {
    json = JSON.parse(text3);
  } catch {
    return err("it is not JSON");
  }
  const infos = [];
  for (const [path5, value] of listEntries(json)) {
    if (value === null || readField(value, "valid") === false) continue;
    const info2 = parsePathInfo(path5, value, storeDir);
    if (!info2.ok) return err(`${String(path5)}: ${info2.error}`);
    infos.push(info2.value);
  }
  return ok(infos);
}
function listEntries(json) {
  if (Array.isArray(json)) return json.map((value) => [readField(value, "path"), value]);
  const byPath = readField(json, "info") ?? json;
  return typeof byPath === "object" && byPath !== null ? Object.entries(byPath) : [];
}
function parsePathInfo(key, value, storeDir) {
  const path5 = parsePath(key, storeDir);
  if (!path5.ok) return path5;
  const narHash = parseHashField(readField(value, "narHash"));
  if (!narHash.ok) return err(`narHash: ${narHash.error}`);
  const narSize = readField(value, "narSize");
  if (typeof narSize !== "number" || !Number.isSafeInteger(narSize) || narSize <= 0) {
    return err("narSize is not a number of bytes");
  }
  const references = /* @__PURE__ */ new Map();
  for (const text3 of readList(value, "references")) {
    const reference = parsePath(text3, storeDir);
    if (!reference.ok) return err(`references: ${reference.error}`);
    references.set(`${reference.value.hash}-${reference.value.name}`, reference.value);
  }
  const deriver = parseDeriver2(readField(value, "deriver"), storeDir);
  if (!deriver.ok) return err(`deriver: ${deriver.error}`);
  const contentAddress = parseContentAddress2(readField(value, "ca"));
  if (!contentAddress.ok) return err(`ca: ${contentAddress.error}`);
  return ok({
    path: path5.value,
    narHash: narHash.value,
    narSize,
    // Base names are ASCII, so the UTF-16 order of < is the byte order that Nix uses.
    references: [...references].toSorted(([a], [b]) => a < b ? -1 : 1).map(([, at]) => at),
    deriver: deriver.value,
    signatures: readList(value, "signatures").flatMap(formatSignatureField),
    contentAddress: contentAddress.value,
    // Older versions leave the field out if it is false.
    isUltimate: readField(value, "ultimate") === true
  });
}
function parsePath(value, storeDir) {
  if (typeof value !== "string") return err("it is not a store path");
  return value.startsWith("/") ? parseStorePath(value, storeDir) : parseStorePathBaseName(value);
}
function parseHashField(value) {
  if (typeof value === "string") return parseHash(value);
  const algorithm = readField(value, "algorithm");
  const digest = readField(value, "hash");
  if (typeof algorithm !== "string" || typeof digest !== "string") return err("it is not a hash");
  return parseHash(`${algorithm}:${digest}`);
}
function parseDeriver2(value, storeDir) {
  if (value === void 0 || value === null || value === "") return ok(void 0);
  return parsePath(value, storeDir);
}
var METHOD_PREFIXES = /* @__PURE__ */ new Map([
  ["text", "text:"],
  ["flat", "fixed:"],
  ["nar", "fixed:r:"],
  ["git", "fixed:git:"]
]);
function parseContentAddress2(value) {
  if (value === void 0 || value === null || value === "") return ok(void 0);
  if (typeof value === "string") return ok(value);
  const prefix = METHOD_PREFIXES.get(readField(value, "method"));
  const hash2 = parseHashField(readField(value, "hash"));
  if (prefix === void 0) return err("unknown method");
  return hash2.ok ? ok(prefix + formatHash(hash2.value, "nix32")) : hash2;
}
function formatSignatureField(value) {
  if (typeof value === "string") return [value];
  const keyName = readField(value, "keyName");
  const bytes = readField(value, "sig");
  return typeof keyName === "string" && typeof bytes === "string" ? [`${keyName}:${bytes}`] : [];
}

// src/client/local-nix/read-closure.ts
var BATCH_PATHS = 2e3;
async function readClosure(roots, store, context) {
  const infos = /* @__PURE__ */ new Map();
  const invalid = [];
  for (let start = 0; start < roots.length; start += BATCH_PATHS) {
    let batch = roots.slice(start, start + BATCH_PATHS);
    let found;
    try {
      found = await queryClosure(batch, store, context);
    } catch (error2) {
      context.signal.throwIfAborted();
      const missing = await findInvalidPaths(batch, store, context);
      if (missing.size === 0) throw error2;
      invalid.push(...batch.filter((path5) => missing.has(formatStorePathBaseName(path5))));
      batch = batch.filter((path5) => !missing.has(formatStorePathBaseName(path5)));
      found = await queryClosure(batch, store, context);
    }
    for (const info2 of found) infos.set(formatStorePathBaseName(info2.path), info2);
  }
  const lacking = new Set(invalid);
  const unlisted = roots.filter(
    (path5) => !lacking.has(path5) && !infos.has(formatStorePathBaseName(path5))
  );
  return { infos, invalid, unlisted };
}
async function findInvalidPaths(paths, store, context) {
  const invalid = /* @__PURE__ */ new Set();
  for (let start = 0; start < paths.length; start += BATCH_PATHS) {
    const batch = paths.slice(start, start + BATCH_PATHS);
    const args = [...storeArgs(store), "--check-validity", "--print-invalid"];
    args.push(...batch.map((path5) => formatStorePath(path5, store.storeDir)));
    const printed = await runNix({ program: "nix-store", args }, context);
    for (const line of printed.split("\n")) {
      if (line !== "") invalid.add(line.slice(store.storeDir.length + 1));
    }
  }
  return invalid;
}
async function queryClosure(paths, store, context) {
  return [
    ...await queryInfos(paths.filter(isDerivation), ["--derivation"], store, context),
    ...await queryInfos(
      paths.filter((path5) => !isDerivation(path5)),
      [],
      store,
      context
    )
  ];
}
function isDerivation({ name }) {
  return name.endsWith(".drv");
}
async function queryInfos(paths, flags, store, context) {
  if (paths.length === 0) return [];
  const text3 = await printPathInfos(paths, flags, store, context);
  const infos = parsePathInfos(text3, store.storeDir);
  if (!infos.ok)
    throw new ClientError(
      `nargate does not understand the output of nix path-info: ${infos.error}`
    );
  return infos.value;
}
async function printPathInfos(paths, flags, store, context) {
  const args = ["path-info", ...storeArgs(store), "--recursive", "--json", ...flags];
  const names = paths.map((path5) => formatStorePath(path5, store.storeDir));
  try {
    return await runNix({ program: "nix", args: [...args, ...names] }, context);
  } catch (error2) {
    const message = error2 instanceof Error ? error2.message : "";
    if (flags.length > 0 && message.includes("unrecognised flag")) {
      return await printPathInfos(paths, [], store, context);
    }
    if (!message.includes("--json-format")) throw error2;
    const formatted = [...args, "--json-format", "1", ...names];
    return await runNix({ program: "nix", args: formatted }, context);
  }
}

// src/client/push/store-watcher.ts
import { readdir } from "node:fs/promises";
async function watchStore(directory, findInvalid, before) {
  const known = new Set(before ?? await listValidNames(directory, findInvalid));
  const leftOver = new Set((await listStoreNames(directory)).filter((name) => !known.has(name)));
  return {
    async findNew(isLast) {
      const names = (await listStoreNames(directory)).filter((name) => !known.has(name));
      const candidates = names.filter((name) => isLast || !leftOver.has(name)).flatMap(parsePushable);
      if (candidates.length === 0) return [];
      const invalid = await findInvalid(candidates);
      const found = candidates.filter((path5) => !invalid.has(formatStorePathBaseName(path5)));
      for (const path5 of found) known.add(formatStorePathBaseName(path5));
      return found;
    }
  };
}
function parsePushable(name) {
  const path5 = parseStorePathBaseName(name);
  return path5.ok && !name.endsWith(".drv") ? [path5.value] : [];
}
async function listValidNames(directory, findInvalid) {
  const paths = (await listStoreNames(directory)).flatMap(parsePushable);
  if (paths.length === 0) return [];
  const invalid = await findInvalid(paths);
  return paths.map(formatStorePathBaseName).filter((name) => !invalid.has(name));
}
async function listStoreNames(directory) {
  try {
    return await readdir(directory);
  } catch (error2) {
    if (error2.code === "ENOENT") return [];
    throw error2;
  }
}

// src/action/new-paths.ts
async function saveStoreNames(workDirectory, context) {
  const location = findStore(void 0, context.env);
  const { directory } = location;
  const store = { ...location, url: void 0 };
  const names = directory === void 0 ? [] : await listValidNames(
    directory,
    (paths) => (
      // If Nix cannot say it now, everything counts as known. The job must not fail for it.
      findInvalidPaths(paths, store, context).catch(() => /* @__PURE__ */ new Set())
    )
  );
  await writeFile4(storeNamesFile(workDirectory), names.join("\n"));
}
async function readStoreNames(workDirectory) {
  return (await readFile4(storeNamesFile(workDirectory), "utf8")).split("\n");
}
function storeNamesFile(workDirectory) {
  return path4.join(workDirectory, "store-names");
}
async function findNewPaths(workDirectory, context) {
  const location = findStore(void 0, context.env);
  const { directory } = location;
  if (directory === void 0) {
    throw new ClientError(
      "the files of the store are not on this machine, so the action cannot see new paths. Use a store on the runner"
    );
  }
  const store = { ...location, url: void 0 };
  const watcher = await watchStore(
    directory,
    (paths2) => findInvalidPaths(paths2, store, context),
    await readStoreNames(workDirectory)
  );
  const paths = await watcher.findNew(true);
  const { infos } = await readClosure(paths, store, context);
  return paths.flatMap((found) => infos.get(formatStorePathBaseName(found)) ?? []);
}
function countHits(infos, publicKeys) {
  const names = publicKeys.map((key) => key.slice(0, key.indexOf(":") + 1));
  const isOurs = ({ signatures }) => signatures.some((signature) => names.some((name) => signature.startsWith(name)));
  const pulled = infos.filter((info2) => !isMade(info2));
  return {
    fromCache: tally(pulled.filter(isOurs)),
    fromElsewhere: tally(pulled.filter((info2) => !isOurs(info2))),
    made: tally(infos.filter(isMade))
  };
}
function isMade({ isUltimate, signatures }) {
  return isUltimate || signatures.length === 0;
}
function tally(infos) {
  return {
    paths: infos.length,
    narBytes: infos.reduce((total, { narSize }) => total + narSize, 0)
  };
}

// src/action/read-inputs.ts
async function readInputs(runner) {
  const token = runner.input("token");
  if (token !== "") runner.mask(token);
  const signKey = runner.input("sign-key");
  for (const secret of secretParts(signKey)) runner.mask(secret);
  const url = readUrl(runner.input("url"));
  if (token !== "" && !/^[\x21-\x7e]{1,16384}$/.test(token)) {
    throw new UsageError(
      "the input token is too long, or contains a space or an unprintable character. Check that the secret is only the token"
    );
  }
  if (token !== "") requireSafeForTokens(url);
  const flag = (name) => parseFlag(name, runner.input(name));
  return {
    url,
    audience: runner.input("audience") || new URL(url).origin,
    token: token === "" ? void 0 : token,
    push: flag("push"),
    pushOnFailure: flag("push-on-failure"),
    failOnPushError: flag("fail-on-push-error"),
    substitute: flag("substitute"),
    signKey: signKey === "" ? void 0 : await parseSignKey(signKey),
    upstreamKeys: parseKeyNames(runner.input("upstream-keys")),
    pushFilter: parseFilter(runner.input("push-filter")),
    jobStatus: runner.input("job-status")
  };
}
function readUrl(text3) {
  if (text3 === "")
    throw new UsageError("the input url is missing. Set it to the address of the cache");
  return parseCacheUrl(text3);
}
function secretParts(signKey) {
  return signKey === "" ? [] : [signKey, signKey.slice(signKey.indexOf(":") + 1)];
}
function parseFlag(name, text3) {
  switch (text3.toLowerCase()) {
    case "true":
      return true;
    case "false":
      return false;
    default:
      throw new UsageError(`the input ${name} must be true or false`);
  }
}
async function parseSignKey(text3) {
  const key = parseSecretKey(text3);
  if (!key.ok) throw new UsageError(`the input sign-key ${key.error}`);
  if (!await hasMatchingPublicKey(key.value)) {
    throw new UsageError(
      "the input sign-key is damaged: its secret half and its public half do not match"
    );
  }
  return key.value;
}
function parseKeyNames(text3) {
  const names = text3.split(/\s+/).filter((word) => word !== "").map((word) => word.split(":", 1)[0] ?? "");
  for (const name of names) {
    if (!isKeyName(name))
      throw new UsageError(
        "the input upstream-keys must have names of keys, such as cache.nixos.org-1, with spaces between them"
      );
  }
  return new Set(names);
}
function parseFilter(text3) {
  if (text3 === "") return void 0;
  try {
    return new RegExp(text3);
  } catch (error2) {
    throw new UsageError(`the input push-filter is not a regular expression: ${String(error2)}`);
  }
}

// src/action/token-sources.ts
function listTokenSources({ token, audience }, context) {
  const sources = /* @__PURE__ */ new Map();
  if (token !== void 0) {
    sources.set("token", { name: "the action's input", current: async () => token });
  }
  const { runner, env, now } = context;
  const url = env["ACTIONS_ID_TOKEN_REQUEST_URL"] ?? "";
  const bearer = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] ?? "";
  if (url !== "" && bearer !== "") {
    const http = createHttpClient(context);
    const mask = (secret) => runner.mask(secret);
    sources.set("oidc", createOidcTokens({ url, bearer, audience }, { http, now, mask }));
  }
  return sources;
}
var MARGIN_MILLISECONDS = 6e4;
var NO_TOKEN = "GitHub's token service answered without an OIDC token. Run the job again";
function createOidcTokens({ url, bearer, audience }, { http, now, mask }) {
  let held;
  let asking;
  async function ask() {
    const target = new URL(url);
    target.searchParams.set("audience", audience);
    const { status, body } = await http.send({
      method: "GET",
      url: target.href,
      headers: { accept: "application/json", authorization: `Bearer ${bearer}` }
    });
    if (status !== 200) {
      throw new ClientError(
        `GitHub gave this job no OIDC token: its token service answered ${status}. Run the job again`
      );
    }
    const token = readField(parseJson2(body.toString()), "value");
    if (typeof token !== "string") throw new ClientError(NO_TOKEN);
    mask(token);
    const expires = readExpiry(token);
    if (expires === void 0)
      throw new ClientError("GitHub's OIDC token has no expiry time (exp)");
    held = { token, expires };
  }
  const millisecondsLeft = () => (held?.expires ?? 0) - now().getTime();
  return {
    name: "GitHub",
    async current() {
      if (millisecondsLeft() < MARGIN_MILLISECONDS) {
        asking ??= ask().finally(() => {
          asking = void 0;
        });
        await asking.catch((error2) => {
          if (millisecondsLeft() <= 0) throw error2;
        });
      }
      if (held === void 0) throw new ClientError(NO_TOKEN);
      return held.token;
    }
  };
}
function readExpiry(token) {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  const expires = readField(parseJson2(payload), "exp");
  return typeof expires === "number" ? expires * 1e3 : void 0;
}
function parseJson2(text3) {
  try {
    return JSON.parse(text3);
  } catch {
    return void 0;
  }
}

// src/client/gateway/gateway-facts.ts
async function readGatewayFacts(client) {
  let answer;
  try {
    answer = await client.call("GET", ENDPOINTS.cache);
  } catch (error2) {
    if (error2 instanceof CacheRefusal && NOT_A_NARGATE.has(error2.status)) {
      throw new ClientError(
        `${client.url} does not look like a Nargate cache (GET ${ENDPOINTS.cache} returned ${error2.status})`,
        { cause: error2 }
      );
    }
    throw error2;
  }
  const facts = readShape(gatewayFactsSchema, answer);
  if (facts.ok) return facts.value;
  throw new ClientError(
    `${client.url} does not look like a Nargate cache (in the answer to GET ${ENDPOINTS.cache}, ${facts.error})`
  );
}
var NOT_A_NARGATE = /* @__PURE__ */ new Set([301, 302, 307, 308, 400, 404, 405, 410]);

export {
  UsageError,
  ClientError,
  describeError,
  toOneLine,
  runStep,
  isSecureUrl,
  maxLength,
  minValue,
  regex,
  safeInteger,
  array,
  number,
  object,
  string,
  pipe,
  ok,
  err,
  encodeBase64,
  parsePublicKey,
  parseSignature,
  publicKeyOf,
  formatPublicKey,
  verifySignature,
  signMessage,
  mergeSignatures,
  readShape,
  notAnObject,
  parseStorePathName,
  parseStorePathBaseName,
  formatStorePathBaseName,
  formatStorePath,
  equalStorePaths,
  partUrlsSchema,
  partsSchema,
  uploadStartedSchema,
  uploadProofSchema,
  signedUploadSchema,
  completionLineSchema,
  missingAnswerSchema,
  publishedLineSchema,
  FAILURES,
  isFailureCode,
  formatHash,
  formatDigest,
  equalHashes,
  parseContentAddress,
  computeStorePath,
  parseNarinfo,
  formatNarinfo,
  withSignatures,
  isTransientStatus,
  retryPauseMilliseconds,
  Unreachable,
  bytesBody,
  textBody,
  readBody,
  createHttpClient,
  CacheRefusal,
  createCacheClient,
  refusalOf,
  readError,
  setNetrcPassword,
  openCache,
  ENDPOINTS,
  readTokenFacts,
  storeArgs,
  findStore,
  runNix,
  startDump,
  readField,
  readList,
  findStoreTarget,
  OWN_FILES,
  changeFile,
  undoChange,
  runTool,
  createRootFiles,
  restartDaemon,
  makeWorkDirectory,
  isWorkDirectory,
  JOB_STATE,
  formatJobState,
  parseJobState,
  readClosure,
  saveStoreNames,
  findNewPaths,
  countHits,
  readGatewayFacts,
  readInputs,
  listTokenSources
};
