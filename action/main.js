import {
  CacheRefusal,
  ClientError,
  JOB_STATE,
  OWN_FILES,
  Unreachable,
  UsageError,
  changeFile,
  createCacheClient,
  createHttpClient,
  createRootFiles,
  describeError,
  findStore,
  findStoreTarget,
  formatJobState,
  listTokenSources,
  makeWorkDirectory,
  openCache,
  readField,
  readGatewayFacts,
  readInputs,
  readList,
  readTokenFacts,
  restartDaemon,
  runNix,
  runStep,
  runTool,
  saveStoreNames,
  setNetrcPassword
} from "./shared.js";

// src/action/add-substituter.ts
import path from "node:path";

// src/client/use/ask-local-nix.ts
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { promisify } from "node:util";

// src/client/use/nix-settings.ts
async function readNixSettings(context) {
  let text;
  try {
    text = await runNix({ program: "nix", args: ["config", "show", "--json"] }, context);
  } catch {
    text = await runNix({ program: "nix", args: ["show-config", "--json"] }, context);
  }
  const settings = parseJson(text);
  return {
    substituters: readWords(settings, "substituters"),
    trustedSubstituters: readWords(settings, "trusted-substituters"),
    trustedPublicKeys: readWords(settings, "trusted-public-keys"),
    trustedUsers: readWords(settings, "trusted-users"),
    netrcFile: readWords(settings, "netrc-file").join(" ")
  };
}
async function readSystemSettings(context) {
  const { cwd, signal } = context;
  const env = { ...context.env, NIX_USER_CONF_FILES: "/dev/null", NIX_CONFIG: void 0 };
  return await readNixSettings({ env, cwd, signal });
}
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ClientError(
      "nargate does not understand the settings that nix prints: they are not JSON"
    );
  }
}
function readWords(settings, name) {
  const value = readField(readField(settings, name), "value");
  if (typeof value === "string") return value.split(/\s+/).filter((word) => word !== "");
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}
function hasCache(substituters, url) {
  return substituters.some((one) => (one.split("?", 1)[0] ?? "").replace(/\/+$/, "") === url);
}
function usesCache({ substituters, trustedPublicKeys }, { url, publicKeys }) {
  return hasCache(substituters, url) && publicKeys.every((key) => trustedPublicKeys.includes(key));
}

// src/client/use/ask-local-nix.ts
async function askLocalNix(context) {
  try {
    const system = await readSystemSettings(context);
    const trust = await askDaemonTrust(context, system);
    const settings = trust.isTrusted === false ? system : await readNixSettings(context);
    return { trust, settings };
  } catch (error) {
    if (error instanceof ClientError) return { reason: error.message };
    throw error;
  }
}
async function askDaemonTrust(context, system) {
  const user = await runId(["-un"], context) || "you";
  const { url, isTrusted } = await askStore(context) ?? {
    url: await guessStore(context),
    isTrusted: void 0
  };
  if (url === void 0) return { isTrusted, isOwnStore: false, user };
  const isOwnStore = !/^(?:daemon|unix:|ssh-ng:|tcp:)/.test(url);
  if (isTrusted !== void 0) return { isTrusted, isOwnStore, user };
  if (isOwnStore) return { isTrusted: true, isOwnStore, user };
  const groups = (await runId(["-Gn"], context)).split(/\s+/);
  return { isTrusted: isTrustedUser(system.trustedUsers, user, groups), isOwnStore, user };
}
function isTrustedUser(trustedUsers, user, groups) {
  return trustedUsers.some(
    (entry) => entry === "*" || entry === user || entry.startsWith("@") && groups.includes(entry.slice(1))
  );
}
async function askStore(context) {
  for (const name of ["info", "ping"]) {
    const args = ["store", name, "--json"];
    const text = await runNix({ program: "nix", args }, context).catch(() => "");
    const info = parseStoreInfo(text);
    if (info !== void 0) return info;
  }
  return void 0;
}
async function canReach(file, mode) {
  return await access(file, mode).then(
    () => true,
    () => false
  );
}
async function guessStore({ env }) {
  const remote = env["NIX_REMOTE"] ?? "";
  if (remote !== "" && remote !== "auto") return remote;
  const state = env["NIX_STATE_DIR"] ?? "/nix/var/nix";
  const socket = env["NIX_DAEMON_SOCKET_PATH"] ?? `${state}/daemon-socket/socket`;
  if (await canReach(state, constants.R_OK | constants.W_OK)) return "local";
  return await canReach(socket, constants.F_OK) ? "daemon" : void 0;
}
function parseStoreInfo(text) {
  let info;
  try {
    info = JSON.parse(text);
  } catch {
    return void 0;
  }
  const url = readField(info, "url");
  const trusted = readField(info, "trusted");
  if (typeof url !== "string") return void 0;
  const isKnown = typeof trusted === "boolean" || typeof trusted === "number";
  return { url, isTrusted: isKnown ? Boolean(trusted) : void 0 };
}
async function runId(args, { env, cwd }) {
  return await promisify(execFile)("id", args, { env, cwd }).then(
    ({ stdout }) => stdout.trim(),
    () => ""
  );
}

// src/nix/conf-lines.ts
function nixConfLines({ url, publicKeys }) {
  return [
    `extra-substituters = ${url}`,
    ...publicKeys.length === 0 ? [] : [`extra-trusted-public-keys = ${publicKeys.join(" ")}`],
    // With this setting Nix builds a path itself if the cache fails while it downloads the path.
    "fallback = true"
  ];
}
function quoteForNix(text) {
  return `"${text.replace(/["\\]|\$(?=\{)/g, "\\$&")}"`;
}

// src/client/use/cache-use.ts
function nixosSettings({ url, publicKeys }) {
  const keys = publicKeys.map(quoteForNix).join(" ");
  return [
    `nix.settings.extra-substituters = [ ${quoteForNix(url)} ];`,
    ...publicKeys.length === 0 ? [] : [`nix.settings.extra-trusted-public-keys = [ ${keys} ];`]
  ].join(" ");
}

// src/client/use/nix-conf.ts
import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join as join2, resolve } from "node:path";

// src/client/config-home.ts
import { join } from "node:path";
function configHome(env, home = env["HOME"] ?? "") {
  return env["XDG_CONFIG_HOME"] || (home === "" ? void 0 : join(home, ".config"));
}

// src/client/use/nix-conf.ts
function systemNixConf({ env }) {
  return join2(env["NIX_CONF_DIR"] ?? "/etc/nix", "nix.conf");
}
async function userNixConf({
  env,
  cwd
}) {
  const [first = ""] = (env["NIX_USER_CONF_FILES"] ?? "").split(":");
  if (first !== "") return resolve(cwd, first);
  const config = configHome(env, await findHome(env["HOME"] ?? ""));
  if (config === void 0)
    throw new UsageError(
      "HOME is not set, so the place of your nix.conf is unknown. Name the file with --file"
    );
  return join2(config, "nix/nix.conf");
}
async function findHome(home) {
  const owner = await stat(home).catch(() => void 0);
  const isOwn = owner === void 0 || owner.uid === process.geteuid?.();
  return isOwn ? home : userInfo().homedir;
}
function editableNixConf(file, text) {
  const included = /^[ \t]*!?include[ \t]+(\S*nix\.custom\.conf)[ \t]*$/m.exec(text)?.[1];
  return included === void 0 ? file : resolve(dirname(file), included);
}
var SUBSTITUTERS = { name: "substituters", alias: "binary-caches" };
var TRUSTED_KEYS = {
  name: "trusted-public-keys",
  alias: "binary-cache-public-keys"
};
function addToNixConf(text, { name, alias }, values) {
  const lines = splitLines(text);
  const isPlain = ({ setting }) => setting === name || setting === alias;
  const isExtra = ({ setting }) => setting === `extra-${name}` || setting === `extra-${alias}`;
  const start = Math.max(0, lines.findLastIndex(isPlain));
  const counting = lines.slice(start).filter((line) => isPlain(line) || isExtra(line));
  const present = new Set(counting.flatMap((line) => line.values));
  const missing = [...new Set(values)].filter((value) => !present.has(value));
  if (missing.length === 0) return text;
  const last = lines.findLastIndex(isExtra);
  const barrier = lines.findLastIndex((line) => isPlain(line) || isInclude(line));
  if (last > barrier) {
    return joinLines(
      lines.map((line, at) => at === last ? lengthen(line.text, missing) : line.text)
    );
  }
  return appendLine(text, `extra-${name} = ${missing.join(" ")}`);
}
function appendLine(text, line) {
  const isEnded = text === "" || text.endsWith("\n");
  return `${text}${isEnded ? "" : "\n"}${line}
`;
}
function splitLines(text) {
  return text.split("\n").map((line) => {
    const [setting, equals, ...values] = (line.split("#", 1)[0] ?? "").split(/[ \t\r]+/).filter((word) => word !== "");
    if (equals !== "=" && !isIncludeWord(setting)) {
      return { text: line, setting: void 0, values: [] };
    }
    return { text: line, setting, values };
  });
}
function joinLines(lines) {
  return lines.join("\n");
}
function isInclude({ setting }) {
  return isIncludeWord(setting);
}
function isIncludeWord(word) {
  return word === "include" || word === "!include";
}
function lengthen(line, values) {
  const [, before = "", after = ""] = /^([^#]*?)([ \t\r]*(?:#.*)?)$/s.exec(line) ?? [];
  return `${before} ${values.join(" ")}${after}`;
}

// src/action/add-substituter.ts
async function addSubstituter(substituter, context) {
  const nix = await askLocalNix(context);
  if ("reason" in nix) throw new ClientError(nix.reason);
  if (nix.trust.isTrusted !== false) return await addForUser(substituter, nix, context);
  const { use, token } = substituter;
  const { substituters, trustedSubstituters, trustedPublicKeys } = nix.settings;
  const isTrustedKey = use.publicKeys.every((key) => trustedPublicKeys.includes(key));
  if (token === void 0 && isTrustedKey) {
    if (hasCache(substituters, use.url)) return `${systemNixConf(context)} already has the cache`;
    if (hasCache(trustedSubstituters, use.url)) return await addForUser(substituter, nix, context);
  }
  return await addForDaemon(substituter, nix, context);
}
async function addForUser({ use, token, workDirectory, onChange }, { settings }, context) {
  const netrc = token === void 0 ? void 0 : await writeOwnNetrc(use, token, settings, workDirectory);
  const edit = (text) => {
    const edited = editNixConf(text, use);
    return netrc === void 0 ? edited : appendLine(edited, `netrc-file = ${netrc}`);
  };
  let place;
  try {
    const file = await userNixConf(context);
    if (await findStoreTarget(file) !== void 0)
      throw new ClientError(`${file} is in the Nix store`);
    const options = { files: OWN_FILES, workDirectory, isSecret: false, onChange };
    const change = await changeFile(file, edit, options);
    place = change === void 0 ? `${file} already has the cache` : `added to ${file}`;
    if (isInEffect(use, netrc, await readNixSettings(context))) return place;
    place = `added to NIX_CONFIG, which overrides ${file}`;
  } catch (error) {
    place = `added to NIX_CONFIG, because of this problem: ${describeError(error)}`;
  }
  const NIX_CONFIG = edit(context.env["NIX_CONFIG"] ?? "").trimEnd();
  context.runner.exportVariable("NIX_CONFIG", NIX_CONFIG);
  const changed = await readNixSettings({ ...context, env: { ...context.env, NIX_CONFIG } });
  if (isInEffect(use, netrc, changed)) return place;
  throw new ClientError(
    "Nix ignores the cache both in nix.conf and in NIX_CONFIG. Run nix config show in this job to find the setting that overrides it"
  );
}
async function addForDaemon({ use, token, workDirectory, onChange }, { settings, trust }, context) {
  const main = systemNixConf(context);
  const because = `the Nix daemon does not trust ${trust.user}`;
  if (await findStoreTarget(main) !== void 0) {
    throw new ClientError(
      `${because}, and NixOS makes ${main}. Put this into the NixOS configuration: ${nixosSettings(use)}`
    );
  }
  if (!(await runTool(["sudo", "-n", "true"], context)).isDone) {
    const lines = nixConfLines(use).join("; ");
    throw new ClientError(
      `${because}, and this job cannot use sudo. Put these lines into ${main}: ${lines}`
    );
  }
  const files = createRootFiles(context);
  const file = editableNixConf(main, await files.read(main) ?? "");
  const options = { files, workDirectory, onChange };
  const change = await changeFile(file, (text) => editNixConf(text, use), {
    ...options,
    isSecret: false
  });
  if (token !== void 0) {
    const { hostname } = new URL(use.url);
    const edit = (text) => setNetrcPassword(text, hostname, token);
    await changeFile(settings.netrcFile, edit, { ...options, isSecret: true });
  }
  if (change === void 0) return `${file} already has the cache`;
  const restarted = await restartDaemon(context);
  if (restarted !== void 0)
    return `added to ${file}, and restarted the daemon (${restarted}), because ${because}`;
  throw new ClientError(
    `${file} now has the cache, but the Nix daemon could not be restarted. Restart it in a step of this job`
  );
}
function editNixConf(text, { url, publicKeys }) {
  return addToNixConf(addToNixConf(text, SUBSTITUTERS, [url]), TRUSTED_KEYS, publicKeys);
}
async function writeOwnNetrc({ url }, token, { netrcFile }, workDirectory) {
  const former = await OWN_FILES.read(netrcFile) ?? "";
  const file = path.join(workDirectory, "netrc");
  const text = setNetrcPassword(former, new URL(url).hostname, token);
  await OWN_FILES.write(file, text, { isSecret: true });
  return file;
}
function isInEffect(use, netrc, settings) {
  return usesCache(settings, use) && (netrc === void 0 || settings.netrcFile === netrc);
}

// src/action/find-fork.ts
import { readFile } from "node:fs/promises";
async function findFork({ env }) {
  const eventName = env["GITHUB_EVENT_NAME"] ?? "";
  const text = await readFile(env["GITHUB_EVENT_PATH"] ?? "", "utf8").catch(() => "");
  return findForkInEvent(eventName, parseJson2(text));
}
function findForkInEvent(eventName, payload) {
  const own = readField(payload, "repository");
  const pullRequest = readField(payload, "pull_request");
  if (pullRequest !== void 0) {
    const base = readField(readField(pullRequest, "base"), "repo");
    return nameOther(readField(readField(pullRequest, "head"), "repo"), base ?? own);
  }
  const run = readField(payload, "workflow_run");
  if (run !== void 0) return nameOther(readField(run, "head_repository"), own);
  return mayConcernFork(eventName, payload) ? "an unknown repository" : void 0;
}
function mayConcernFork(eventName, payload) {
  switch (eventName) {
    case "issue_comment":
      return readField(readField(payload, "issue"), "pull_request") !== void 0;
    case "check_run":
    case "check_suite":
      return !isOfOwnPullRequest(readField(payload, eventName));
    case "status":
      return readList(payload, "branches").length === 0;
    default:
      return /^pull_request|^workflow_run$/.test(eventName);
  }
}
function idOf(pullRequest, side) {
  return readField(readField(readField(pullRequest, side), "repo"), "id");
}
function isOfOwnPullRequest(check) {
  const listed = readList(check, "pull_requests");
  const suite = readList(readField(check, "check_suite"), "pull_requests");
  const all = [...listed, ...suite];
  return all.length > 0 && all.every((one) => {
    const head = idOf(one, "head");
    return head !== void 0 && head === idOf(one, "base");
  });
}
function nameOther(head, base) {
  const headId = readField(head, "id");
  if (headId !== void 0 && headId === readField(base, "id")) return void 0;
  const name = readField(head, "full_name");
  return typeof name === "string" ? name : "a deleted repository";
}
function parseJson2(text) {
  try {
    return JSON.parse(text);
  } catch {
    return void 0;
  }
}

// src/action/plan-push.ts
async function planPush(question) {
  const { inputs, fork, cache, sources, ask } = question;
  if (!inputs.push) return pullOnly("the input push is false", true);
  if (fork !== void 0) return pullOnly(`its code comes from ${fork}, a fork`, true);
  const [first] = sources.keys();
  if (first === void 0) {
    return pullOnly(
      "it has no token. Give the job `permissions: id-token: write`, or set the input token of this step"
    );
  }
  if ("reason" in cache) {
    const { reason, isPassing } = cache;
    return isPassing ? { kind: "try", by: first, reason } : pullOnly(reason);
  }
  if (!cache.uploads) return pullOnly("the cache does not accept pushes");
  const reasons = [];
  for (const [by, source] of sources) {
    try {
      const { name, scopes } = await ask(source);
      if (scopes.includes("push") || scopes.includes("admin")) return { kind: "push", by, name };
      reasons.push(`the token ${name} may not push: its scopes are ${scopes.join(", ") || "none"}`);
    } catch (error) {
      const { reason, isPassing } = asTrouble(error);
      if (isPassing) return { kind: "try", by, reason };
      reasons.push(`the cache refused the token from ${source.name}: ${reason}`);
    }
  }
  return pullOnly(reasons.join("; "));
}
function pullOnly(reason, isMeant = false) {
  return { kind: "pull-only", reason, isMeant };
}
var QUICK_RETRIES = { attempts: 4, idleMilliseconds: 2e4 };
async function askCache(url, storeDir, context) {
  const http = createHttpClient(context, QUICK_RETRIES);
  try {
    const facts = await readGatewayFacts(createCacheClient(url, async () => void 0, http));
    if (facts.storeDir === storeDir) return facts;
    throw new ClientError(
      `${url} is for the store directory ${facts.storeDir}, but Nix on this runner uses ${storeDir}`
    );
  } catch (error) {
    context.signal.throwIfAborted();
    return asTrouble(error);
  }
}
function asTrouble(error) {
  const isPassing = error instanceof CacheRefusal ? error.status >= 500 || error.status === 429 : error instanceof Unreachable;
  return { reason: describeError(error), isPassing };
}

// src/action/run-main.ts
async function runMain(context) {
  const { runner, env } = context;
  const inputs = await readInputs(runner);
  await requireNix(context);
  const fork = await findFork(context);
  const workDirectory = await makeWorkDirectory(env);
  let state = {
    workDirectory,
    pushBy: void 0,
    reason: "the first step of the action failed",
    publicKeys: [],
    changes: []
  };
  function save(part) {
    state = { ...state, ...part };
    runner.saveState(JOB_STATE, formatJobState(state));
  }
  save({});
  await saveStoreNames(workDirectory, context);
  const { storeDir } = findStore(void 0, env);
  const cache = await askCache(inputs.url, storeDir, context);
  const plan = await planPush({
    inputs,
    fork,
    cache,
    sources: listTokenSources(inputs, context),
    async ask(tokens) {
      const { client } = await openCache({ to: inputs.url, tokens }, context, QUICK_RETRIES);
      return await readTokenFacts(client);
    }
  });
  save(tellPlan(plan, context));
  if ("reason" in cache) {
    runner.warning(`Nix does not pull from ${inputs.url}: ${cache.reason}`);
    return;
  }
  const { publicKeys } = cache;
  save({ publicKeys });
  if (!inputs.substitute) return;
  const token = chooseReadToken(inputs, cache, fork);
  if ("reason" in token) {
    runner.warning(`Nix does not pull from ${inputs.url}, which is private: ${token.reason}`);
    return;
  }
  const use = { url: inputs.url, isPrivate: cache.access === "token", publicKeys };
  const onChange = (change) => save({ changes: [...state.changes, change] });
  await substitute({ use, ...token, workDirectory, onChange }, context);
}
async function requireNix(context) {
  try {
    await runNix({ program: "nix", args: ["--version"] }, context);
  } catch (error) {
    throw new ClientError(
      `${describeError(error)}. Put this step after the step that installs Nix, such as cachix/install-nix-action`,
      { cause: error }
    );
  }
}
function tellPlan(plan, { runner }) {
  runner.setOutput("pushes", String(plan.kind === "push"));
  const reason = plan.kind === "push" ? "" : plan.reason;
  runner.setOutput("reason", reason);
  switch (plan.kind) {
    case "push":
      runner.info(`this job pushes its new paths when it ends, with the token ${plan.name}`);
      return { pushBy: plan.by, reason };
    case "try":
      runner.warning(`${reason}. The job tries again to push when it ends`);
      return { pushBy: plan.by, reason };
    case "pull-only": {
      const line = `this job only pulls: ${reason}`;
      if (plan.isMeant) runner.notice(line);
      else runner.warning(line);
      return { pushBy: void 0, reason };
    }
  }
}
function chooseReadToken({ token }, { access: access2 }, fork) {
  if (access2 === "public") return { token: void 0 };
  if (fork !== void 0)
    return {
      reason: `the code of this job comes from ${fork}, a fork, which must not get a token`
    };
  return token === void 0 ? {
    reason: "set the input token. An OIDC token cannot be used to pull, because it expires before the job ends"
  } : { token };
}
async function substitute(substituter, context) {
  const { runner } = context;
  const { url } = substituter.use;
  try {
    runner.info(`Nix pulls from ${url} (${await addSubstituter(substituter, context)})`);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    runner.warning(`Nix does not pull from ${url}: ${error.message}`);
  }
}

// src/action/main.ts
await runStep(runMain);
