import {
  CacheRefusal,
  ClientError,
  ENDPOINTS,
  FAILURES,
  JOB_STATE,
  OWN_FILES,
  Unreachable,
  UsageError,
  array,
  bytesBody,
  completionLineSchema,
  computeStorePath,
  countHits,
  createRootFiles,
  describeError,
  encodeBase64,
  equalHashes,
  equalStorePaths,
  err,
  findNewPaths,
  findStore,
  formatDigest,
  formatHash,
  formatNarinfo,
  formatPublicKey,
  formatStorePath,
  formatStorePathBaseName,
  isFailureCode,
  isSecureUrl,
  isTransientStatus,
  isWorkDirectory,
  listTokenSources,
  maxLength,
  mergeSignatures,
  minValue,
  missingAnswerSchema,
  notAnObject,
  number,
  object,
  ok,
  openCache,
  parseContentAddress,
  parseJobState,
  parseNarinfo,
  parsePublicKey,
  parseSignature,
  parseStorePathBaseName,
  parseStorePathName,
  partUrlsSchema,
  partsSchema,
  pipe,
  publicKeyOf,
  publishedLineSchema,
  readBody,
  readClosure,
  readError,
  readField,
  readGatewayFacts,
  readInputs,
  readShape,
  readTokenFacts,
  refusalOf,
  regex,
  retryPauseMilliseconds,
  runNix,
  runStep,
  safeInteger,
  signMessage,
  signedUploadSchema,
  startDump,
  storeArgs,
  string,
  textBody,
  toOneLine,
  undoChange,
  uploadProofSchema,
  uploadStartedSchema,
  verifySignature,
  withSignatures
} from "./shared.js";

// src/action/run-post.ts
import { rm as rm2 } from "node:fs/promises";

// src/client/progress/format-amounts.ts
var UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
function formatBytes(bytes) {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}
function formatDuration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
}
function pad(value) {
  return String(value).padStart(2, "0");
}
function formatSpeed(bytesPerSecond, secondsLeft) {
  const isMoving = bytesPerSecond !== void 0 && bytesPerSecond > 0;
  return [
    ...isMoving ? [`${formatBytes(bytesPerSecond)}/s`] : [],
    ...secondsLeft === void 0 ? [] : [`${formatDuration(secondsLeft)} left`]
  ];
}

// src/client/progress/rate-window.ts
var WINDOW_MILLISECONDS = 15e3;
var SAMPLE_MILLISECONDS = 250;
var LEAST_MILLISECONDS = 1e3;
function createRateWindow() {
  const samples = [];
  function forgetOld(time) {
    while ((samples[1]?.time ?? Infinity) <= time - WINDOW_MILLISECONDS) samples.shift();
  }
  return {
    add(time, value) {
      const last = samples.at(-1);
      if (last !== void 0 && samples.length > 1 && time - last.time < SAMPLE_MILLISECONDS) {
        last.value = value;
      } else {
        samples.push({ time, value });
      }
      forgetOld(time);
    },
    perSecond(time) {
      forgetOld(time);
      const [first] = samples;
      const last = samples.at(-1);
      if (first === void 0 || last === void 0 || time - first.time < LEAST_MILLISECONDS) {
        return void 0;
      }
      return Math.max(0, last.value - first.value) / (time - first.time) * 1e3;
    }
  };
}

// src/client/progress/transfer-model.ts
var PHASE_STARTS = { packing: 0, sending: 0.1, checking: 0.9 };
var PHASE_SHARES = { packing: 0.1, sending: 0.8, checking: 0.1 };
function createTransferModel(now) {
  const active = /* @__PURE__ */ new Set();
  const sentRate = createRateWindow();
  const wayRate = createRateWindow();
  let totalPaths = 0;
  let totalBytes = 0;
  let endedPaths = 0;
  let endedBytes = 0;
  let endedSent = 0;
  function enter(state, phase, total) {
    state.phase = phase;
    state.total = total;
    state.done = 0;
    state.rate = createRateWindow();
  }
  function advance(state, done) {
    state.done = done;
    state.rate.add(now(), done);
  }
  return {
    expect(paths, narBytes) {
      totalPaths += paths;
      totalBytes += narBytes;
    },
    start(name, narSize) {
      const rate = createRateWindow();
      const state = {
        name,
        narSize,
        phase: "packing",
        done: 0,
        total: narSize,
        present: 0,
        sent: 0,
        rate
      };
      active.add(state);
      return {
        packed: (narBytes) => advance(state, narBytes),
        sending(fileSize, presentBytes) {
          enter(state, "sending", fileSize);
          state.present = presentBytes;
          state.sent = presentBytes;
          advance(state, presentBytes);
        },
        sent(fileBytes) {
          state.sent = fileBytes;
          advance(state, fileBytes);
        },
        checking(fileBytes) {
          if (state.phase !== "checking") enter(state, "checking", state.total);
          advance(state, fileBytes);
        },
        end() {
          if (!active.delete(state)) return;
          endedPaths++;
          endedBytes += narSize;
          endedSent += state.sent - state.present;
        }
      };
    },
    view() {
      const time = now();
      const states = [...active];
      const sentBytes2 = sum(states.map(({ sent, present }) => sent - present)) + endedSent;
      const way = sum(states.map((state) => state.narSize * wayOf(state))) + endedBytes;
      sentRate.add(time, sentBytes2);
      wayRate.add(time, way);
      return {
        endedPaths,
        totalPaths,
        fraction: totalBytes === 0 ? 0 : Math.min(1, way / totalBytes),
        sentBytes: sentBytes2,
        bytesPerSecond: sentRate.perSecond(time),
        secondsLeft: timeLeft(totalBytes - way, wayRate.perSecond(time)),
        active: states.map((state) => viewOf(state, time))
      };
    }
  };
}
function viewOf({ name, phase, done, total, rate }, time) {
  const bytesPerSecond = rate.perSecond(time);
  const secondsLeft = timeLeft(total - done, bytesPerSecond);
  return { name, phase, doneBytes: done, totalBytes: total, bytesPerSecond, secondsLeft };
}
function wayOf({ phase, done, total }) {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  return PHASE_STARTS[phase] + PHASE_SHARES[phase] * part;
}
function timeLeft(rest, perSecond) {
  return perSecond === void 0 || perSecond <= 0 ? void 0 : Math.max(0, rest) / perSecond;
}
function sum(numbers) {
  return numbers.reduce((total, number2) => total + number2, 0);
}

// src/client/progress/progress.ts
var everyInterval = (milliseconds, task) => {
  const timer = setInterval(task, milliseconds).unref();
  return () => clearInterval(timer);
};
var QUIET_MILLISECONDS = 1e4;
function createPlainProgress({ stderr, now }, prefix = "", every = everyInterval) {
  const model = createTransferModel(() => now().getTime());
  let printedAt = now().getTime();
  const stop = every(1e3, () => {
    const view = model.view();
    if (view.active.length === 0 || now().getTime() - printedAt < QUIET_MILLISECONDS) return;
    const { fraction, endedPaths, totalPaths, bytesPerSecond, secondsLeft } = view;
    const [first] = view.active;
    const facts = [
      `${Math.floor(fraction * 100)} %`,
      `${endedPaths} of ${totalPaths} paths`,
      ...formatSpeed(bytesPerSecond, secondsLeft),
      ...first === void 0 ? [] : [
        `${first.phase} ${first.name}, ${formatBytes(first.doneBytes)} of ${formatBytes(first.totalBytes)}`
      ]
    ];
    say(`… ${facts.join(", ")}`);
  });
  function say(line) {
    printedAt = now().getTime();
    stderr.write(`${prefix}${line}
`);
  }
  return {
    expect: (paths, narBytes) => model.expect(paths, narBytes),
    start: (name, narSize) => model.start(name, narSize),
    status: () => {
    },
    finished: say,
    say,
    close: stop
  };
}

// src/nix/fingerprint.ts
function formatFingerprint(narinfo, storeDir) {
  const references = new Set(narinfo.references.map((path5) => formatStorePath(path5, storeDir)));
  return [
    "1",
    formatStorePath(narinfo.storePath, storeDir),
    formatHash(narinfo.narHash, "nix32"),
    String(narinfo.narSize),
    // `toSorted` compares UTF-16 units. Store paths are ASCII, so this is byte order.
    [...references].toSorted().join(",")
  ].join(";");
}
function equalFingerprints(a, b) {
  return formatFingerprint(a, "") === formatFingerprint(b, "");
}

// src/client/gateway/understand-answer.ts
function understandAnswer(schema, answer, target) {
  const shape = readShape(schema, answer);
  if (shape.ok) return shape.value;
  throw notUnderstood(target, shape.error);
}
function notUnderstood(target, problem) {
  return new ClientError(
    `${target}: this command does not understand the answer (${problem}). Use the same version of nargate as the cache`
  );
}

// src/client/gateway/batch-api.ts
var CALLS_AT_ONCE = 6;
function createBatchApi(client, { batches }) {
  if (batches === void 0) return void 0;
  async function askForMissing(paths) {
    const answer = await client.call("POST", ENDPOINTS.missing, { paths });
    return understandAnswer(missingAnswerSchema, answer, ENDPOINTS.missing);
  }
  return {
    narinfosAtOnce: batches.narinfos,
    maxNarBytes: batches.narBytes ?? 0,
    async findMissing(hashes) {
      const missing = /* @__PURE__ */ new Set();
      let rest = hashes.toSorted();
      let calls = 1;
      while (rest.length > 0) {
        const size = Math.min(batches.hashes, Math.ceil(rest.length / calls));
        const answers = await Promise.all(inChunks(rest, size).map(askForMissing));
        for (const answer of answers) for (const hash of answer.missing) missing.add(hash);
        const left = answers.flatMap((answer) => answer.rest);
        if (left.length >= rest.length) {
          throw notUnderstood(ENDPOINTS.missing, "it answers for none of the paths");
        }
        rest = left;
        calls = CALLS_AT_ONCE;
      }
      return missing;
    },
    publish: (lines, onEnd) => client.callWithLines(ENDPOINTS.publish, lines, (line) => {
      const value = understandAnswer(publishedLineSchema, line, ENDPOINTS.publish);
      if ("error" in value) {
        onEnd({ hash: value.path, refusal: refusalOfLine(value.path, value.error) });
      } else if ("outcome" in value) {
        onEnd({ hash: value.path, refusal: void 0, outcome: value.outcome });
      }
    })
  };
}
function isWithoutBatches(error) {
  return error instanceof CacheRefusal && (error.status === 404 || error.status === 405);
}
function refusalOfLine(hash, { code, message }) {
  const status = isFailureCode(code) ? FAILURES[code].status : 400;
  return new CacheRefusal(`${hash}.narinfo: ${status} ${toOneLine(message)}`, status, code);
}
function inChunks(list, size) {
  return Array.from(
    { length: Math.ceil(list.length / size) },
    (_, index) => list.slice(index * size, (index + 1) * size)
  );
}

// src/nix/trust.ts
async function findTrust(narinfo, storeDir, keys) {
  const fingerprint = formatFingerprint(narinfo, storeDir);
  if (await isSignedByAny(fingerprint, narinfo.signatures, keys)) return "signed";
  return await trustByAddress(narinfo, storeDir);
}
async function readTrueAddress({ contentAddress, storePath, references }, storeDir) {
  if (contentAddress === void 0) return void 0;
  const address = parseContentAddress(contentAddress);
  if (!address.ok) return "false";
  const given = await computeStorePath(
    address.value,
    storePath.name,
    references,
    storeDir,
    storePath
  );
  return given.ok && equalStorePaths(given.value, storePath) ? address.value : "false";
}
async function trustByAddress(narinfo, storeDir) {
  const address = await readTrueAddress(narinfo, storeDir);
  if (address === void 0 || address === "false") return void 0;
  const { storePath, references, narHash } = narinfo;
  const refersToSelf = references.some((reference) => equalStorePaths(reference, storePath));
  const { method, hash } = address;
  if (method !== "nar" || hash.algorithm !== "sha256" || refersToSelf) return "claimed";
  return equalHashes(hash, narHash) ? "proved" : void 0;
}
async function isSignedByAny(message, signatures, keys) {
  for (const text2 of signatures) {
    const signature = parseSignature(text2);
    if (!signature.ok) continue;
    for (const key of keys) {
      if (key.name === signature.value.keyName && await verifySignature(key, message, signature.value)) {
        return true;
      }
    }
  }
  return false;
}

// src/client/gateway/usable.ts
var DEFAULT_KEYS = ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="];
async function isUsable(narinfo, cache) {
  return await findTrust(narinfo, cache.storeDir, trustedKeys(cache)) !== void 0;
}
function trustedKeys({ publicKeys }) {
  return [...publicKeys, ...DEFAULT_KEYS].flatMap((text2) => {
    const key = parsePublicKey(text2);
    return key.ok ? [key.value] : [];
  });
}

// src/client/gateway/look-at-nar.ts
async function lookAtNar({ url, fileSize }, client) {
  if (/^[a-z][a-z\d+.-]*:/i.test(url)) return { verdict: "elsewhere", sizeBytes: void 0 };
  const { status, headers } = await client.send({
    method: "HEAD",
    target: url,
    // Asks for the length of the stored bytes: a proxy could compress the answer.
    headers: { "accept-encoding": "identity" }
  });
  if (status === 404) return { verdict: "MISSING", sizeBytes: void 0 };
  const length = headers.get("content-length");
  if (status !== 200 || length === null) return { verdict: "unknown", sizeBytes: void 0 };
  const isWrong = fileSize !== void 0 && Number(length) !== fileSize;
  return { verdict: isWrong ? "WRONG SIZE" : "there", sizeBytes: Number(length) };
}
function isBroken({ verdict }) {
  return verdict === "MISSING" || verdict === "WRONG SIZE";
}

// src/client/push/compose-narinfo.ts
function composeNarinfo(info, file, storeDir) {
  const lines = [
    ["StorePath", formatStorePath(info.path, storeDir)],
    ["URL", file.key.path],
    ["Compression", file.compression],
    ["FileHash", formatHash(file.fileHash, "nix32")],
    ["FileSize", String(file.fileSize)],
    ["NarHash", formatHash(info.narHash, "nix32")],
    ["NarSize", String(info.narSize)],
    ["References", info.references.map(formatStorePathBaseName).join(" ")],
    ...info.deriver === void 0 ? [] : [["Deriver", formatStorePathBaseName(info.deriver)]],
    ...info.signatures.map((signature) => ["Sig", signature]),
    ...info.contentAddress === void 0 ? [] : [["CA", info.contentAddress]]
  ];
  const text2 = lines.map(([name, value]) => `${name}: ${value}
`).join("");
  const narinfo = parseNarinfo(text2, storeDir);
  if (!narinfo.ok)
    throw new ClientError(
      `the store's database entry for this path is not valid, so it cannot be published: ${narinfo.error}`
    );
  return narinfo.value;
}
async function signNarinfo(narinfo, key, storeDir) {
  const own = await signMessage(key, formatFingerprint(narinfo, storeDir));
  return withSignatures(narinfo, mergeSignatures(narinfo.signatures, [own]));
}
function isSignedBy(signatures, keyName) {
  return signatures.some((signature) => signature.startsWith(`${keyName}:`));
}

// src/client/push/choose-paths.ts
var COMPARED_PATHS = 32;
async function choosePaths(infos, named, session, { settle, settleError }) {
  const { client, store, options, limits, guard, context, batches } = session;
  const { upstreamKeys, signKey, isRepair } = options;
  const canReplace = session.facts.proves === "contents";
  const how = {
    client,
    storeDir: store.storeDir,
    upstreamKeys,
    signKey,
    isRepair,
    keys: session.facts,
    canReplace
  };
  async function choose(info, decide) {
    const { path: path5 } = info;
    try {
      const choice = await decide();
      if (choice.kind === "skip") {
        settle({ ...choice, kind: "skipped", path: path5 });
        return [];
      }
      const references = info.references.map(formatStorePathBaseName);
      return [{ id: formatStorePathBaseName(path5), references, info, choice }];
    } catch (error) {
      settleError(path5, error);
      return [];
    }
  }
  async function compare(info) {
    const choice = await limits.requests.run(async () => {
      context.signal.throwIfAborted();
      guard.check();
      return await choosePath(info, how);
    });
    guard.succeeded();
    return choice;
  }
  const mayOnlyLook = batches !== void 0 && signKey === void 0 && !isRepair;
  const compared = new Set(named.slice(0, COMPARED_PATHS).map(formatStorePathBaseName));
  const isCompared = ({ path: path5 }) => !mayOnlyLook || compared.has(formatStorePathBaseName(path5));
  const toLookFor = infos.filter(
    (info) => !isCompared(info) && skipSignedUpstream(info, upstreamKeys) === void 0
  );
  const missing = batches === void 0 || toLookFor.length === 0 ? Promise.resolve(/* @__PURE__ */ new Set()) : batches.findMissing(toLookFor.map(({ path: path5 }) => path5.hash));
  missing.catch(() => {
  });
  async function lookFor(info) {
    const upstream = skipSignedUpstream(info, upstreamKeys);
    if (upstream !== void 0) return upstream;
    try {
      return (await missing).has(info.path.hash) ? { kind: "push" } : skip("in the cache");
    } catch (error) {
      if (isWithoutBatches(error)) return await compare(info);
      throw error;
    }
  }
  const choices = infos.map(
    (info) => choose(info, () => isCompared(info) ? compare(info) : lookFor(info))
  );
  return (await Promise.all(choices)).flat();
}
async function choosePath(info, { client, storeDir, upstreamKeys, signKey, isRepair, keys, canReplace }) {
  const upstream = skipSignedUpstream(info, upstreamKeys);
  if (upstream !== void 0) return upstream;
  const narinfo = await client.readNarinfo(info.path.hash, storeDir, true);
  if (narinfo === void 0) return { kind: "push" };
  if (narinfo === "unreadable") return skip("in the cache, in a compression that only Nix reads");
  const isSame = equalFingerprints(narinfo, { ...info, storePath: info.path });
  if (!isSame && isRepair && canReplace) return { kind: "push" };
  if (!isSame) return { ...skip("in the cache with other contents"), isSuspicious: true };
  if (isRepair && isBroken(await lookAtNar(narinfo, client))) return { kind: "push" };
  if (signKey !== void 0 && !isSignedBy(narinfo.signatures, signKey.name)) {
    return { kind: "sign", published: narinfo };
  }
  if (keys.publicKeys.length > 0 && !await isUsable(narinfo, keys)) {
    return {
      ...skip(UNUSABLE),
      isSuspicious: true
    };
  }
  return skip("in the cache");
}
function skipSignedUpstream({ signatures }, upstreamKeys) {
  for (const keyName of upstreamKeys) {
    if (isSignedBy(signatures, keyName)) return skip(`signed by ${keyName}`);
  }
  return void 0;
}
var UNUSABLE = "in the cache, but clients do not accept it. Push it with --sign-key, or sign it with nargate sign";
function skip(reason) {
  return { kind: "skip", reason, isSuspicious: false };
}

// src/nix/drv-output.ts
function parseDrvOutputId(text2) {
  return isDrvOutputId(text2) ? ok(text2) : err("it is not sha256:<64 hex digits>!<output>");
}
function parseOutputName(text2) {
  const name = parseStorePathName(text2);
  return name.ok ? name : err("it is not an output name");
}
function isDrvOutputId(text2) {
  const match = /^sha256:[0-9a-f]{64}!(.+)$/s.exec(text2);
  return match !== null && parseOutputName(match[1] ?? "").ok;
}

// src/nix/realisation.ts
function parseRealisation(text2) {
  const object2 = parseJsonObject(text2);
  if (!object2.ok) return object2;
  const { id: rawId, dependentRealisations: rawDependencies = {}, ...others } = object2.value;
  const id = parseDrvOutputId(typeof rawId === "string" ? rawId : "");
  if (!id.ok) return err(`id is wrong: ${id.error}`);
  const dependentRealisations = parseDependencies(rawDependencies);
  if (!dependentRealisations.ok) return dependentRealisations;
  const outcome = parseOutcome(others);
  if (!outcome.ok) return outcome;
  return ok({
    kind: "realisation",
    id: id.value,
    dependentRealisations: dependentRealisations.value,
    ...outcome.value
  });
}
function parseBuildTraceEntry(text2) {
  const object2 = parseJsonObject(text2);
  if (!object2.ok) return object2;
  const outcome = parseOutcome(object2.value);
  return outcome.ok ? ok({ kind: "build-trace", ...outcome.value }) : outcome;
}
function formatRealisation(realisation) {
  const outPath = formatStorePathBaseName(realisation.outPath);
  switch (realisation.kind) {
    case "realisation":
      return formatSorted({
        ...realisation.rest,
        id: realisation.id,
        outPath,
        signatures: realisation.signatures,
        dependentRealisations: sortKeys(Object.fromEntries(realisation.dependentRealisations))
      });
    case "build-trace":
      return formatSorted({
        ...realisation.rest,
        outPath,
        signatures: realisation.signatures.map(toSignatureObject)
      });
  }
}
function realisationFingerprint(realisation) {
  return formatSorted({
    id: realisation.id,
    outPath: formatStorePathBaseName(realisation.outPath),
    dependentRealisations: sortKeys(Object.fromEntries(realisation.dependentRealisations))
  });
}
function buildTraceFingerprint(key, entry) {
  return formatSorted({
    key: { drvPath: formatStorePathBaseName(key.drvPath), outputName: key.outputName },
    value: { outPath: formatStorePathBaseName(entry.outPath) }
  });
}
var MAX_NESTING = 64;
function nestingOf(text2) {
  let depth = 0;
  let deepest = 0;
  for (const character of text2) {
    if (character === "{" || character === "[") deepest = Math.max(deepest, ++depth);
    else if (character === "}" || character === "]") depth--;
  }
  return deepest;
}
function parseJsonObject(text2) {
  if (nestingOf(text2) > MAX_NESTING) return err("it is nested too deeply");
  let value;
  try {
    value = JSON.parse(text2);
  } catch {
    return err("it is not JSON");
  }
  return isObject(value) ? ok(value) : err("it is not a JSON object");
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function parseOutcome(object2) {
  const { outPath: rawOutPath, signatures: rawSignatures = [], ...rest } = object2;
  const outPath = parseStorePathBaseName(typeof rawOutPath === "string" ? rawOutPath : "");
  if (!outPath.ok) return err(`outPath is wrong: ${outPath.error}`);
  if (!Array.isArray(rawSignatures)) return err("the signatures field is not an array");
  const signatures = [];
  for (const raw of rawSignatures) {
    const text2 = isObject(raw) ? `${String(raw["keyName"])}:${String(raw["sig"])}` : raw;
    if (typeof text2 !== "string" || !parseSignature(text2).ok) {
      return err("the signatures field holds a value that is not a signature");
    }
    signatures.push(text2);
  }
  return ok({ outPath: outPath.value, signatures, rest });
}
function parseDependencies(raw) {
  if (!isObject(raw)) return err("the dependentRealisations field is not an object");
  const dependencies = /* @__PURE__ */ new Map();
  for (const [id, path5] of Object.entries(raw)) {
    if (!parseDrvOutputId(id).ok || typeof path5 !== "string" || !parseStorePathBaseName(path5).ok) {
      return err("the dependentRealisations field holds a wrong id or a wrong store path");
    }
    dependencies.set(id, path5);
  }
  return ok(dependencies);
}
function toSignatureObject(text2) {
  const signature = parseSignature(text2);
  if (!signature.ok) throw new TypeError("a signature of the realisation is malformed");
  return { keyName: signature.value.keyName, sig: encodeBase64(signature.value.bytes) };
}
function formatSorted(object2) {
  return JSON.stringify(sortKeys(object2));
}
function sortKeys(object2) {
  return Object.fromEntries(Object.entries(object2).toSorted(([a], [b]) => a < b ? -1 : 1));
}

// src/client/local-nix/read-realisations.ts
import { open, readdir } from "node:fs/promises";
import path from "node:path";
async function readRealisations(derivers, store, context) {
  const { directory } = store;
  if (directory === void 0) return [];
  const floating = await findFloating(derivers, directory);
  if (floating.length === 0) return [];
  const others = await findNamesakes(floating, directory);
  const realisations = await query([...floating, ...others], store, context);
  return [...new Map(realisations.map((one) => [one.target, one])).values()];
}
async function findFloating(derivations, directory) {
  const found = [];
  for (const derivation of derivations) {
    if (await isFloating(path.join(directory, formatStorePathBaseName(derivation)))) {
      found.push(derivation);
    }
  }
  return found;
}
var HEAD_BYTES = 400;
async function isFloating(file) {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const [, hash] = /^Derive\(\[\("[^"]*","","[^"]*","([^"]*)"\)/.exec(
        buffer.toString("latin1", 0, bytesRead)
      ) ?? [];
      return hash !== void 0 && hash !== "impure";
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}
async function findNamesakes(derivations, directory) {
  const names = new Set(derivations.map(({ name }) => name));
  const known = new Set(derivations.map(formatStorePathBaseName));
  const paths = (await readdir(directory)).flatMap((baseName) => {
    const parsed = parseStorePathBaseName(baseName);
    const isOther = parsed.ok && names.has(parsed.value.name) && !known.has(baseName);
    return isOther ? [parsed.value] : [];
  });
  return await findFloating(paths, directory);
}
async function query(derivations, store, context) {
  const text2 = await print(derivations, store, context);
  if (text2 !== void 0) return parseRealisations(text2);
  if (derivations.length === 1) return [];
  const found = [];
  for (const derivation of derivations) found.push(...await query([derivation], store, context));
  return found;
}
async function print(derivations, store, context) {
  const names = derivations.map((one) => formatStorePath(one, store.storeDir));
  const flags = ["--extra-experimental-features", "ca-derivations", "--json"];
  for (const suffix of ["^*", ""]) {
    const args = ["realisation", "info", ...storeArgs(store), ...flags];
    args.push(...names.map((name) => name + suffix));
    try {
      return await runNix({ program: "nix", args }, context);
    } catch {
      context.signal.throwIfAborted();
    }
  }
  return void 0;
}
function parseRealisations(text2) {
  let list;
  try {
    list = JSON.parse(text2);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.flatMap((item) => {
    const parsed = readField(item, "key") === void 0 ? parseOldRealisation(item) : parseBuildTrace(item);
    return parsed.ok ? [parsed.value] : [];
  });
}
function parseOldRealisation(item) {
  const value = parseRealisation(JSON.stringify(item));
  if (!value.ok) return value;
  return ok({
    kind: "realisation",
    target: `realisations/${value.value.id}.doi`,
    value: value.value
  });
}
function parseBuildTrace(item) {
  const key = readField(item, "key");
  const outputName = readField(key, "outputName");
  const drv = readField(key, "drvPath");
  if (typeof drv !== "string" || typeof outputName !== "string") return err("it has no key");
  const drvPath = parseStorePathBaseName(path.basename(drv));
  if (!drvPath.ok) return drvPath;
  const output = parseOutputName(outputName);
  if (!output.ok) return output;
  const value = parseBuildTraceEntry(JSON.stringify(readField(item, "value")));
  if (!value.ok) return value;
  return ok({
    kind: "build-trace",
    target: `build-trace-v2/${formatStorePathBaseName(drvPath.value)}/${outputName}.doi`,
    key: { drvPath: drvPath.value, outputName },
    value: value.value
  });
}

// src/client/push/push-realisations.ts
async function pushRealisations(infos, session, { settleError }) {
  const { store, context, limits } = session;
  const derivers = new Map(
    infos.flatMap(
      ({ deriver }) => deriver === void 0 ? [] : [[formatStorePathBaseName(deriver), deriver]]
    )
  );
  if (derivers.size === 0) return 0;
  const published = new Set(infos.map(({ path: path5 }) => formatStorePathBaseName(path5)));
  const realisations = (await readRealisations([...derivers.values()], store, context)).filter(
    ({ value }) => published.has(formatStorePathBaseName(value.outPath))
  );
  let count2 = 0;
  await Promise.all(
    realisations.map(async (realisation) => {
      try {
        await limits.publishing.run(() => putRealisation(realisation, session));
        count2++;
      } catch (error) {
        settleError(realisation.value.outPath, error);
      }
    })
  );
  return count2;
}
async function putRealisation(realisation, { client, options, context, guard }) {
  context.signal.throwIfAborted();
  guard.check();
  const { signKey } = options;
  const { value, target } = realisation;
  const own = signKey === void 0 ? [] : [await signMessage(signKey, fingerprintOf(realisation))];
  const signed = { ...value, signatures: mergeSignatures(value.signatures, own) };
  const text2 = formatRealisation(signed);
  await client.put(target, "application/json", textBody(text2));
  guard.succeeded();
}
function fingerprintOf(realisation) {
  return realisation.kind === "realisation" ? realisationFingerprint(realisation.value) : buildTraceFingerprint(realisation.key, realisation.value);
}

// src/client/push/find-unusable.ts
async function findUnusable(pending, { facts, options, store }) {
  const { signKey } = options;
  const { signingKeys, publicKeys } = facts;
  if (signingKeys === void 0 || signingKeys.length > 0) return /* @__PURE__ */ new Set();
  const own = signKey === void 0 ? void 0 : formatPublicKey(publicKeyOf(signKey));
  if (own !== void 0 && publicKeys.includes(own)) return /* @__PURE__ */ new Set();
  const keys = trustedKeys(facts);
  const unusable = /* @__PURE__ */ new Set();
  for (const { id, info, choice } of pending) {
    if (choice.kind !== "push") continue;
    const narinfo = { ...info, storePath: info.path };
    if (await findTrust(narinfo, store.storeDir, keys) === void 0) unusable.add(id);
  }
  return unusable;
}
function describeUnusable(count2, { publicKeys }) {
  const names = publicKeys.flatMap((text2) => {
    const key = parsePublicKey(text2);
    return key.ok ? [key.value.name] : [];
  });
  const paths = count2 === 1 ? "1 of these paths" : `${count2} of these paths`;
  const remedy = "Use --sign-key, or let the gateway sign (SIGNING_KEY)";
  return names.length === 0 ? `nobody can pull ${paths} with signatures checked: this cache publishes no key, and does not sign. ${remedy}` : `nobody who trusts ${names.join(" or ")} can pull ${paths}: they have no signature of that key, and the cache does not sign. ${remedy}`;
}

// src/client/local-nix/build-log.ts
import { lstat } from "node:fs/promises";
import path2 from "node:path";
async function findBuildLog(deriver, { storeDir, directory }, env) {
  if (directory === void 0) return void 0;
  const root = directory.endsWith(storeDir) ? directory.slice(0, -storeDir.length) : "";
  const logs = env["NIX_LOG_DIR"] ?? `${root}/nix/var/log/nix`;
  const name = formatStorePathBaseName(deriver);
  const file = path2.join(logs, "drvs", name.slice(0, 2), name.slice(2));
  const found = await Promise.all(
    [`${file}.bz2`, file].map((one) => lstat(one).catch(() => void 0))
  );
  const stat = found.find((one) => one?.isFile() === true);
  return stat && { bornAt: stat.birthtimeMs, lastWrittenAt: stat.mtimeMs };
}
var MAX_BUILD_SECONDS = 24 * 3600;
async function readBuildSeconds({ deriver, isUltimate }, store, env) {
  if (deriver === void 0 || !isUltimate) return void 0;
  const log = await findBuildLog(deriver, store, env);
  if (log === void 0 || log.bornAt <= 0) return void 0;
  const seconds = (log.lastWrittenAt - log.bornAt) / 1e3;
  return seconds > 0 && seconds <= MAX_BUILD_SECONDS ? Math.round(seconds * 10) / 10 : void 0;
}

// src/client/push/pack-nar.ts
import { createHash } from "node:crypto";

// src/nix/compression.ts
var EXTENSIONS = /* @__PURE__ */ new Map([
  ["xz", ".xz"],
  ["bzip2", ".bz2"],
  ["zstd", ".zst"],
  ["lzip", ".lzip"],
  ["lz4", ".lz4"],
  ["br", ".br"]
]);
function narExtension(compression) {
  return EXTENSIONS.get(compression) ?? "";
}

// src/nix/object-key.ts
var CACHE_INFO_KEY = {
  kind: "cache-info",
  path: brandPath("nix-cache-info")
};
function narKey(fileHash, compression) {
  if (fileHash.algorithm !== "sha256") throw new TypeError("a NAR's name needs a sha256 hash");
  const digest = formatDigest(fileHash, "nix32");
  const extension = narExtension(compression);
  const path5 = brandPath(`nar/${digest}.nar${extension}`);
  return { kind: "nar", path: path5, fileHash: digest, extension, writable: true };
}
var unknownName = err("no object of a binary cache has this name");
function brandPath(path5) {
  return path5;
}

// src/client/local-nix/dump-path.ts
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync } from "node:fs";

// src/client/local-nix/format-file-nar.ts
function formatWords(...words) {
  return Buffer.concat(
    words.map((word) => {
      const bytes = Buffer.from(word);
      const padded = Buffer.alloc(8 + bytes.byteLength + paddingOf(bytes.byteLength));
      padded.writeBigUInt64LE(BigInt(bytes.byteLength));
      bytes.copy(padded, 8);
      return padded;
    })
  );
}
function paddingOf(lengthBytes) {
  return (8 - lengthBytes % 8) % 8;
}

// src/client/local-nix/nar-blocks.ts
function createNarBlocks(blockBytes, expectedBytes) {
  const sizeBytes = Math.max(1, Math.min(blockBytes, expectedBytes));
  let block = Buffer.allocUnsafe(sizeBytes);
  let used = 0;
  let before = 0;
  let full = [];
  function filled(lengthBytes) {
    used += lengthBytes;
    if (used < block.byteLength) return;
    full.push(block);
    before += used;
    block = Buffer.allocUnsafe(sizeBytes);
    used = 0;
  }
  function takeFull() {
    const taken = full;
    full = [];
    return taken;
  }
  return {
    position: () => before + used,
    put(bytes) {
      for (let done = 0; done < bytes.byteLength; ) {
        const length = Math.min(bytes.byteLength - done, block.byteLength - used);
        block.set(bytes.subarray(done, done + length), used);
        done += length;
        filled(length);
      }
    },
    space: () => block.subarray(used),
    filled,
    takeFull,
    takeRest: () => [...takeFull(), ...used === 0 ? [] : [block.subarray(0, used)]]
  };
}

// src/client/local-nix/read-contents.ts
import { fstatSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
var readLater = promisify(read);
var MAX_SYNC_BYTES = 128 * 1024;
async function* readContents({ fd, path: path5, sizeBytes }, blocks) {
  if (!fstatSync(fd).isFile()) throw changed(path5);
  const isSmall = sizeBytes <= MAX_SYNC_BYTES;
  for (let rest = sizeBytes; rest > 0; ) {
    const space = blocks.space();
    const length = Math.min(space.byteLength, rest);
    const bytesRead = isSmall ? readSync(fd, space, 0, length, null) : (await readLater(fd, space, 0, length, null)).bytesRead;
    if (bytesRead === 0) throw changed(path5);
    blocks.filled(bytesRead);
    rest -= bytesRead;
    if (!isSmall) yield* blocks.takeFull();
  }
  if (fstatSync(fd).size !== sizeBytes) throw changed(path5);
}
function changed(path5) {
  return new ClientError(`the file ${path5.toString()} changed while it was read`);
}

// src/client/local-nix/dump-path.ts
var START = formatWords("nix-archive-1");
var REGULAR = formatWords("(", "type", "regular", "contents");
var EXECUTABLE = formatWords("(", "type", "regular", "executable", "", "contents");
var SYMLINK = formatWords("(", "type", "symlink", "target");
var DIRECTORY = formatWords("(", "type", "directory");
var ENTRY = formatWords("entry", "(", "name");
var NODE = formatWords("node");
var END = formatWords(")");
async function* dumpPath(file, { blockBytes, expectedBytes, listing }) {
  const blocks = createNarBlocks(blockBytes, expectedBytes);
  const open3 = [];
  blocks.put(START);
  yield* dumpNode(Buffer.from(file), blocks, open3, listing);
  for (let top = open3.at(-1); top !== void 0; top = open3.at(-1)) {
    const name = top.names[top.next++];
    if (name === void 0) {
      listing?.endDirectory();
      blocks.put(END);
      open3.pop();
      if (open3.length > 0) blocks.put(END);
    } else {
      listing?.entry(name);
      blocks.put(ENTRY);
      blocks.put(formatWords(name));
      blocks.put(NODE);
      const depth = open3.length;
      yield* dumpNode(Buffer.concat([top.path, SLASH, name]), blocks, open3, listing);
      if (open3.length === depth) blocks.put(END);
    }
    yield* blocks.takeFull();
  }
  yield* blocks.takeRest();
}
var SLASH = Buffer.from("/");
async function* dumpNode(path5, blocks, open3, listing) {
  const status = lstatSync(path5);
  if (status.isDirectory()) {
    blocks.put(DIRECTORY);
    listing?.beginDirectory();
    open3.push({ path: path5, names: readNames(path5), next: 0 });
  } else if (status.isSymbolicLink()) {
    const target = readlinkSync(path5, { encoding: "buffer" });
    blocks.put(SYMLINK);
    blocks.put(formatWords(target));
    blocks.put(END);
    listing?.symlink(target);
  } else if (status.isFile()) {
    const isExecutable = (status.mode & constants.S_IXUSR) !== 0;
    blocks.put(isExecutable ? EXECUTABLE : REGULAR);
    blocks.put(formatLength(status.size));
    listing?.regular(status.size, isExecutable, blocks.position());
    yield* dumpContents(path5, status.size, blocks);
    blocks.put(Buffer.alloc(paddingOf(status.size)));
    blocks.put(END);
  } else {
    throw new ClientError(
      `the file ${path5.toString()} has an unsupported type: Nix stores only files, directories and symlinks`
    );
  }
}
async function* dumpContents(path5, sizeBytes, blocks) {
  const fd = openSync(path5, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    yield* readContents({ fd, path: path5, sizeBytes }, blocks);
  } finally {
    closeSync(fd);
  }
}
function formatLength(sizeBytes) {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(sizeBytes));
  return length;
}
var CASE_HACK = Buffer.from("~nix~case~hack~");
function readNames(path5) {
  const names = readdirSync(path5, { encoding: "buffer" });
  if (process.platform === "darwin" && names.some((name) => name.includes(CASE_HACK))) {
    throw new NixNeeded("Nix may have renamed files of this directory");
  }
  return names.toSorted((a, b) => Buffer.compare(a, b));
}
var NixNeeded = class extends Error {
};
function needsNix(error) {
  return error instanceof NixNeeded || error instanceof Error && "syscall" in error;
}

// src/client/push/compress-nar.ts
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
var BLOCK_BYTES = 128 * 1024;
async function compressNar(blocks, narSize, level, write) {
  await pipeline(blocks, zlib.createZstdCompress(zstdOptions(narSize, level)), write);
}
function isQuickToCompress(narSize, level) {
  return narSize <= BLOCK_BYTES && level <= 9;
}
function compressSmallNar(nar, level) {
  return zlib.zstdCompressSync(nar, zstdOptions(nar.byteLength, level));
}
function zstdOptions(narSize, level) {
  return {
    chunkSize: Math.min(256 * 1024, Math.max(1024, narSize)),
    // With the size known, zstd uses small tables for a small NAR, which saves most of the work.
    pledgedSrcSize: narSize,
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level }
  };
}
async function* inBlocks(chunks, blockBytes = BLOCK_BYTES) {
  let pieces = [];
  let gathered = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (gathered + rest.byteLength >= blockBytes) {
      const missing = blockBytes - gathered;
      yield Buffer.concat([...pieces, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      pieces = [];
      gathered = 0;
    }
    if (rest.byteLength > 0) pieces.push(rest);
    gathered += rest.byteLength;
  }
  if (gathered > 0) yield Buffer.concat(pieces);
}

// src/client/push/nar-dumps.ts
import path3 from "node:path";

// src/client/local-nix/nar-listing.ts
import { isUtf8 } from "node:buffer";
function createListingWriter(maxBytes) {
  let pieces = ['{"version":1,"root":'];
  let bytes = 0;
  let isFirst = true;
  let problem;
  function add(piece) {
    if (problem !== void 0) return;
    bytes += Buffer.byteLength(piece);
    if (bytes > maxBytes) fail(`it is larger than ${maxBytes} bytes`);
    else pieces.push(piece);
  }
  function fail(reason) {
    problem ??= reason;
    pieces = [];
  }
  function quote(text2) {
    if (!isUtf8(text2)) fail("a name or the target of a symlink in it is not UTF-8");
    return JSON.stringify(Buffer.from(text2).toString());
  }
  return {
    beginDirectory() {
      add('{"type":"directory","entries":{');
      isFirst = true;
    },
    entry(name) {
      add(`${isFirst ? "" : ","}${quote(name)}:`);
      isFirst = false;
    },
    endDirectory() {
      add("}}");
      isFirst = false;
    },
    regular(sizeBytes, isExecutable, narOffset) {
      const executable = isExecutable ? ',"executable":true' : "";
      add(`{"type":"regular","size":${sizeBytes}${executable},"narOffset":${narOffset}}`);
    },
    symlink: (target) => add(`{"type":"symlink","target":${quote(target)}}`),
    text: () => problem === void 0 ? ok(`${pieces.join("")}}`) : err(problem)
  };
}

// src/client/push/nar-dumps.ts
var MAX_LISTING_BYTES = 8 * 1024 * 1024;
function dumpFiles(info, { store, withListing }) {
  if (store.directory === void 0) return void 0;
  const file = path3.join(store.directory, formatStorePathBaseName(info.path));
  const listing = withListing ? createListingWriter(MAX_LISTING_BYTES) : void 0;
  const expectedBytes = info.narSize;
  const blocks = dumpPath(file, { blockBytes: BLOCK_BYTES, expectedBytes, listing });
  return listing === void 0 ? { blocks } : { blocks, listing: listing.text };
}
async function dumpByNix(info, store, context) {
  const dump = await startDump(info.path, store, context);
  async function* readOutput() {
    try {
      yield* inBlocks(dump.stdout);
      await dump.ended;
    } finally {
      dump.kill();
    }
  }
  return { blocks: readOutput() };
}

// src/client/push/read-ahead.ts
async function* readAhead(chunks) {
  const source = chunks[Symbol.asyncIterator]();
  let next = source.next();
  try {
    for (; ; ) {
      const { done, value } = await next;
      if (done === true) return;
      next = source.next();
      next.catch(() => {
      });
      yield value;
    }
  } finally {
    await source.return?.();
  }
}

// src/client/push/spool.ts
import { randomUUID } from "node:crypto";
import { open as open2, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path4 from "node:path";
function createSpoolMemory(limitBytes) {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > limitBytes) return false;
      taken += bytes;
      return true;
    },
    give(bytes) {
      taken -= bytes;
    }
  };
}
var MAX_MEMORY_BYTES = 16 * 1024 * 1024;
var READ_BYTES = 256 * 1024;
function createSpool({ memory, directory, expectedBytes }) {
  let chunks = [];
  let inMemory = 0;
  let sizeBytes = 0;
  let file;
  async function append(chunk) {
    file ??= await openUnnamed(directory, expectedBytes);
    try {
      for (let done = 0; done < chunk.byteLength; ) {
        done += (await file.write(chunk, done)).bytesWritten;
      }
    } catch (error) {
      throw explain(error, directory, expectedBytes);
    }
  }
  function forget() {
    memory.give(inMemory);
    inMemory = 0;
    chunks = [];
  }
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    async write(chunk) {
      const { byteLength } = chunk;
      if (file === void 0 && inMemory + byteLength <= MAX_MEMORY_BYTES && memory.take(byteLength)) {
        chunks.push(chunk);
        inMemory += byteLength;
      } else {
        for (const held of chunks) await append(held);
        forget();
        await append(chunk);
      }
      sizeBytes += byteLength;
    },
    slice(start, end) {
      return {
        sizeBytes: end - start,
        open: () => file === void 0 ? sliceChunks(chunks, start, end) : sliceFile(file, start, end)
      };
    },
    async close() {
      forget();
      await file?.close();
      file = void 0;
    }
  };
}
async function* sliceChunks(chunks, start, end) {
  let at = 0;
  for (const chunk of chunks) {
    const slice = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (slice.byteLength > 0) yield slice;
    at += chunk.byteLength;
  }
}
async function* sliceFile(file, start, end) {
  for (let at = start; at < end; ) {
    const buffer = new Uint8Array(Math.min(READ_BYTES, end - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, at);
    if (bytesRead === 0) throw new Error("the temporary file ended early");
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
async function openUnnamed(directory, expectedBytes) {
  const name = path4.join(directory, `nargate-${randomUUID()}`);
  try {
    const file = await open2(name, "wx+", 384);
    await rm(name);
    return file;
  } catch (error) {
    throw explain(error, directory, expectedBytes);
  }
}
function explain(error, directory, expectedBytes) {
  const { code } = error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ClientError(
      `the disk of ${directory} is full: up to ${formatBytes(expectedBytes)} are needed. Set TMPDIR to a directory with more space`
    );
  }
  return new ClientError(
    `cannot write temporary files in ${directory}: ${code}. Set TMPDIR to another directory`
  );
}
function spoolDirectory(env) {
  return env["TMPDIR"] || tmpdir();
}

// src/client/push/pack-nar.ts
async function packNar(info, options, context, onPacked) {
  const onBytes = (bytes) => {
    context.signal.throwIfAborted();
    onPacked(bytes);
  };
  const files = dumpFiles(info, options);
  if (files !== void 0) {
    try {
      return await packDump(info, files, options, onBytes);
    } catch (error) {
      if (!needsNix(error)) throw error;
    }
  }
  const dump = await dumpByNix(info, options.store, context);
  return await packDump(info, dump, options, onBytes);
}
async function packDump(info, { blocks, listing }, options, onBytes) {
  const { compression, compressionLevel: level, memory, spoolDirectory: directory } = options;
  const { narSize } = info;
  const place = { memory, directory, expectedBytes: narSize };
  const spool = createSpool(place);
  try {
    const file = createMeter();
    const write = async (chunks) => {
      for await (const chunk of readAhead(file.measure(chunks))) await spool.write(chunk);
    };
    const checked = readAhead(checkNar(blocks, info, onBytes));
    if (compression === "none") await write(checked);
    else if (isQuickToCompress(narSize, level)) await write(compressOnce(checked, level));
    else await compressNar(checked, narSize, level, write);
    const written = await spoolListing(listing?.(), place);
    const fileHash = file.hash();
    return {
      key: narKey(fileHash, compression),
      compression,
      fileHash,
      fileSize: spool.sizeBytes,
      spool,
      listing: written,
      async close() {
        await spool.close();
        if (written?.ok === true) await written.value.close();
      }
    };
  } catch (error) {
    await spool.close();
    throw error;
  }
}
async function* checkNar(blocks, { narSize, narHash }, onBytes) {
  const nar = createMeter();
  let last;
  for await (const block of nar.measure(blocks)) {
    if (nar.bytes() > narSize) throw changed2();
    onBytes(nar.bytes());
    if (last !== void 0) yield last;
    last = block;
  }
  if (nar.bytes() !== narSize || !equalHashes(nar.hash(), narHash)) throw changed2();
  if (last !== void 0) yield last;
}
function changed2() {
  return new ClientError(
    "the files of this path differ from the store's database. Repair them with: nix-store --verify --check-contents --repair"
  );
}
async function* compressOnce(blocks, level) {
  const gathered = [];
  for await (const block of blocks) gathered.push(block);
  yield compressSmallNar(Buffer.concat(gathered), level);
}
async function spoolListing(listing, place) {
  if (listing?.ok !== true) return listing;
  const spool = createSpool(place);
  try {
    await spool.write(new TextEncoder().encode(listing.value));
    return { ok: true, value: spool };
  } catch (error) {
    await spool.close();
    return err(error instanceof Error ? error.message : String(error));
  }
}
function createMeter() {
  const digest = createHash("sha256");
  let bytes = 0;
  return {
    async *measure(chunks) {
      for await (const chunk of chunks) {
        digest.update(chunk);
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
    bytes: () => bytes,
    hash: () => ({ algorithm: "sha256", bytes: new Uint8Array(digest.digest()) })
  };
}

// src/client/push/send-listing.ts
var SMALL_LISTING_BYTES = 4096;
async function sendListing(hash, listing, session) {
  if (listing === void 0) return {};
  if (!listing.ok) return { problem: listing.error };
  const spool = listing.value;
  const body = spool.slice(0, spool.sizeBytes);
  const isSmall = session.batches !== void 0 && spool.sizeBytes <= SMALL_LISTING_BYTES;
  return isSmall ? { text: (await readBody(body)).toString() } : { problem: await putListing(hash, body, session) };
}
async function putListing(hash, body, { client }) {
  try {
    await client.put(`${hash}.ls`, "application/json", body);
    return void 0;
  } catch (error) {
    return describeError(error);
  }
}

// src/api/direct-uploads.ts
var MIB = 1024 * 1024;
var PART_SIZE_THRESHOLD_BYTES = 16 * MIB;
var MAX_S3_PARTS = 1e4;
var MAX_PART_URLS = 100;
var SIGNED_THRESHOLD_BYTES = 2 * MIB;
var MAX_SIGNED_BYTES = 5e9;
var text = string("is not a text");
var count = pipe(
  number("is not a whole number"),
  safeInteger("is not a whole number"),
  minValue(1, "is not a whole number from 1 on")
);
var startUploadSchema = object(
  {
    /** SHA-256 of the compressed file, as 52 digits of nix32. */
    fileHash: pipe(text, regex(/^[0-9a-z]{52}$/, "is not 52 digits of nix32")),
    /** With its dot, as in the object's name; empty for an uncompressed NAR. */
    extension: text,
    /** Bytes of the compressed file. */
    size: count
  },
  notAnObject
);
var uploadHandleSchema = object({ handle: text }, notAnObject);
var signPartsSchema = object(
  {
    handle: text,
    /** Part numbers, counted from 1. */
    parts: pipe(
      array(count, "is not a list"),
      maxLength(MAX_PART_URLS, `is a list of more than ${MAX_PART_URLS} numbers`)
    )
  },
  notAnObject
);

// src/client/push/complete-upload.ts
var UploadGone = class extends Error {
};
var MAX_COMPLETIONS = 8;
var MAX_RESENDINGS = 2;
async function completeUpload(handle, { api, context }, { onChecking, onIncomplete }) {
  let resent = 0;
  for (let count2 = 1; ; count2++) {
    let last;
    let failure = new ClientError("the gateway's answer broke off. Push again");
    try {
      last = await api.complete(handle, (event) => {
        if (event.status === "checking") onChecking(event.bytes);
        last = event;
      });
    } catch (error) {
      context.signal.throwIfAborted();
      failure = asGone(error);
      const isIncomplete = error instanceof CacheRefusal && error.code === "upload-incomplete";
      if (isIncomplete && onIncomplete !== void 0 && resent++ < MAX_RESENDINGS) {
        await onIncomplete().catch((reason) => {
          throw asGone(reason);
        });
        continue;
      }
      if (!(error instanceof Unreachable)) throw failure;
    }
    if (last?.status === "stored") return;
    if (last?.status === "failed") {
      failure = asGone(new CacheRefusal(last.message, 200, last.code));
      if (!isPassing(last.code)) throw failure;
    }
    if (count2 === MAX_COMPLETIONS) throw failure;
    await context.sleep(retryPauseMilliseconds(count2, 0, context.random));
  }
}
function isPassing(code) {
  return code === "bucket-unavailable" || code === "internal" || code === "uploads-busy";
}
var GONE_CODES = /* @__PURE__ */ new Set([
  "upload-gone",
  "upload-changed",
  "handle-invalid",
  "handle-of-another"
]);
function asGone(error) {
  if (!(error instanceof CacheRefusal)) return error;
  return GONE_CODES.has(error.code) ? new UploadGone(error.message) : error;
}

// src/client/push/part-signer.ts
var MARGIN_MILLISECONDS = 6e4;
function createPartSigner({ handle, urls }, missing, api, now) {
  const known = /* @__PURE__ */ new Map();
  for (const [number2, url] of urls.byPart) known.set(number2, { url, expire: urls.expire });
  let asking;
  function isGood({ expire }) {
    return !(expire.getTime() - now().getTime() < MARGIN_MILLISECONDS);
  }
  async function ask(first) {
    const later = missing.filter((number2) => number2 > first);
    const numbers = [first, ...later].slice(0, MAX_PART_URLS);
    const { byPart, expire } = await api.signParts(handle, numbers);
    for (const [number2, url] of byPart) known.set(number2, { url, expire });
  }
  return {
    async urlOf(number2) {
      let isFresh = false;
      for (; ; ) {
        const signed = known.get(number2);
        if (signed !== void 0 && (isFresh || isGood(signed))) return signed.url;
        if (isFresh)
          throw new ClientError(
            `the gateway returned no URL for part ${number2}. Run nargate doctor, which compares the versions of the cache and of this command`
          );
        const isOurs = asking === void 0;
        asking ??= ask(number2).finally(() => {
          asking = void 0;
        });
        await asking;
        isFresh = isOurs || known.has(number2);
      }
    },
    renounce(number2) {
      known.delete(number2);
    }
  };
}

// src/client/push/upload-parts.ts
var PARTS_AT_ONCE = 4;
var MAX_STARTS = 4;
async function uploadInParts(file, spool, uploads, events) {
  let sentBytes2 = 0;
  const counting = {
    ...events,
    onPart(bytes) {
      sentBytes2 += bytes;
    }
  };
  for (let starts = 1; ; starts++) {
    const upload = await uploads.api.start(file);
    if (upload === "stored") return sentBytes2;
    try {
      await sendMissingParts(file, spool, upload, uploads, counting);
      await completeUpload(upload.handle, uploads, {
        onChecking: counting.onChecking,
        async onIncomplete() {
          const parts = await uploads.api.listParts(upload.handle);
          await sendMissingParts(file, spool, { ...upload, parts }, uploads, counting);
        }
      });
      return sentBytes2;
    } catch (error) {
      if (!(error instanceof UploadGone) && !isOfEarlierParts(error, upload)) throw error;
      if (starts === MAX_STARTS)
        throw new ClientError(
          `the upload was lost ${MAX_STARTS} times: ${describeError(error).replace(/\.$/, "")}. Push again; if it happens again, check the bucket's lifecycle rules`
        );
    }
  }
}
function isOfEarlierParts(error, { parts }) {
  return error instanceof CacheRefusal && error.code === "nar-hash-mismatch" && parts.size > 0;
}
async function sendMissingParts({ sizeBytes }, spool, upload, { api, http, partSlots, context }, { onStart, onSent, onPart }) {
  const { partSizeBytes } = upload;
  const startOf = (number2) => (number2 - 1) * partSizeBytes;
  const endOf = (number2) => Math.min(sizeBytes, number2 * partSizeBytes);
  const sizeOf = (number2) => endOf(number2) - startOf(number2);
  const missing = [];
  let sentBytes2 = 0;
  for (let number2 = 1; startOf(number2) < sizeBytes; number2++) {
    if (upload.parts.get(number2) === sizeOf(number2)) sentBytes2 += sizeOf(number2);
    else missing.push(number2);
  }
  const signer = createPartSigner(upload, missing, api, context.now);
  onStart(sentBytes2);
  async function sendPart(number2) {
    let sentOfPart = 0;
    const onPartSent = (bytes) => {
      sentBytes2 += bytes - sentOfPart;
      sentOfPart = bytes;
      onSent(sentBytes2);
    };
    for (let attempt = 1; ; attempt++) {
      const url = await signer.urlOf(number2);
      const answer = await http.send({
        method: "PUT",
        url,
        body: spool.slice(startOf(number2), endOf(number2)),
        onSent: onPartSent
      });
      if (answer.status === 200) return onPart(sizeOf(number2));
      onPartSent(0);
      if (answer.status === 404) throw new UploadGone("NoSuchUpload");
      if (answer.status !== 403 || attempt === 3) throw refusedPart(number2, answer);
      signer.renounce(number2);
    }
  }
  const queue = [...missing];
  let hasFailed2 = false;
  const work = async () => {
    for (let number2 = queue.shift(); number2 !== void 0 && !hasFailed2; number2 = queue.shift()) {
      const next = number2;
      try {
        await partSlots.run(() => sendPart(next));
      } catch (error) {
        hasFailed2 = true;
        throw asGone(error);
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, work));
  for (const worker of workers) if (worker.status === "rejected") throw worker.reason;
}
function refusedPart(number2, answer) {
  return new ClientError(`part ${number2}: ${refusalOf("the bucket", answer).message}`);
}

// src/client/push/upload-signed.ts
var MAX_FAILURES = 3;
function createSigning(api) {
  let asked;
  let failures = 0;
  return {
    // If the gateway cannot answer now, the other way may still work, or says why it does not.
    isPossible: () => asked ??= api.hasProvingBucket().catch(() => false),
    failed() {
      failures++;
      if (failures === MAX_FAILURES) asked = Promise.resolve(false);
    }
  };
}
var MAX_ATTEMPTS = 2;
var OLD_MILLISECONDS = 10 * 6e4;
var OTHER_WAY_CODES = /* @__PURE__ */ new Set([
  "payload-unchecked",
  "no-such-endpoint"
]);
var MAX_STARTS2 = 3;
async function uploadSigned(file, spool, { api, http, partSlots, context }, events) {
  let sentBytes2 = 0;
  for (let starts = 1; starts <= MAX_STARTS2; starts++) {
    try {
      let signedAt = 0;
      const sent = await partSlots.run(async () => {
        const upload = await api.startSigned(file);
        signedAt = context.now().getTime();
        if (upload === "stored") return upload;
        if ("sent" in upload) return { handle: upload.sent, answer: void 0 };
        const { url, headers, handle: handle2 } = upload;
        events.onStart(0);
        const body = spool.slice(0, file.sizeBytes);
        const { onSent } = events;
        const put = { method: "PUT", url, headers, body, onSent, attempts: MAX_ATTEMPTS };
        return { handle: handle2, answer: await http.send(put) };
      });
      if (sent === "stored") return sentBytes2;
      const { handle, answer } = sent;
      if (answer === void 0) events.onStart(file.sizeBytes);
      else sentBytes2 += file.sizeBytes;
      const isOld = context.now().getTime() - signedAt > OLD_MILLISECONDS;
      if (answer?.status === 403 && isOld) continue;
      if (answer !== void 0 && answer.status !== 200) return "other-way";
      await completeUpload(handle, { api, context }, events);
      return sentBytes2;
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof CacheRefusal && OTHER_WAY_CODES.has(error.code)) return "other-way";
      if (error instanceof Unreachable) return "other-way";
      if (!(error instanceof UploadGone)) throw error;
    }
  }
  return "other-way";
}

// src/client/push/upload-nar.ts
var SENT_UNASKED_BYTES = 64 * 1024;
async function uploadNar(nar, session, transfer) {
  const { api, http, limits, context } = session;
  const file = {
    fileHash: nar.fileHash,
    sizeBytes: nar.fileSize,
    extension: nar.key.extension
  };
  const uploads = { api, http, partSlots: limits.parts, context };
  const events = {
    onStart: (bytes) => transfer.sending(nar.fileSize, bytes),
    onSent: (bytes) => transfer.sent(bytes),
    onChecking: (bytes) => transfer.checking(bytes)
  };
  if (canBeSigned(nar) && await session.signing.isPossible()) {
    const sent = await uploadSigned(file, nar.spool, uploads, events);
    if (sent !== "other-way") return sent;
    session.signing.failed();
  }
  if (nar.fileSize <= session.partThresholdBytes) return await putNar(nar, session, transfer);
  return await uploadInParts(file, nar.spool, uploads, events);
}
function canBeSigned({ fileSize }) {
  return fileSize > SIGNED_THRESHOLD_BYTES && fileSize <= MAX_SIGNED_BYTES;
}
async function putNar(nar, { client }, transfer) {
  const target = nar.key.path;
  if (nar.fileSize > SENT_UNASKED_BYTES && await isStored(nar, client)) return 0;
  transfer.sending(nar.fileSize, 0);
  await client.put(
    target,
    "application/x-nix-nar",
    nar.spool.slice(0, nar.fileSize),
    (bytes) => transfer.sent(bytes)
  );
  return nar.fileSize;
}
async function isStored(nar, client) {
  const target = nar.key.path;
  const found = await client.send({
    method: "HEAD",
    target,
    headers: { "accept-encoding": "identity" }
  });
  const isWhole = Number(found.headers.get("content-length")) === nar.fileSize;
  if (found.status !== 404 && found.status !== 200) throw refusalOf(target, found);
  return found.status === 200 && isWhole;
}
async function putNarinfo(hash, text2, { client }) {
  await client.put(`${hash}.narinfo`, "text/x-nix-narinfo", textBody(text2));
}
function createNarUploads(session) {
  const underWay = /* @__PURE__ */ new Map();
  return {
    async upload(nar, transfer) {
      const other = underWay.get(nar.key.path);
      if (other !== void 0) {
        await other;
        return 0;
      }
      const upload = uploadNar(nar, session, transfer);
      underWay.set(nar.key.path, upload);
      return await upload;
    }
  };
}

// src/client/push/narinfo-publisher.ts
function createNarinfoPublisher(session) {
  const { batches, limits } = session;
  const put = async ({ path: hash, narinfo: text2, url, listing, nar }) => await limits.publishing.run(async () => {
    if (nar !== void 0) await session.client.put(url, NAR_TYPE, bytesBody(nar));
    if (listing !== void 0) await putListing(hash, textBody(listing), session);
    await putNarinfo(hash, text2, session);
    return void 0;
  });
  const inBatches = batches === void 0 ? void 0 : createBatches(batches, put, session);
  return {
    async publish(narinfo, more = {}) {
      const { url, storePath } = narinfo;
      const text2 = formatNarinfo(narinfo);
      const one = { path: storePath.hash, narinfo: text2, url, ...more };
      const isAlone = inBatches === void 0 || text2.length > LARGE_CHARACTERS;
      return await (isAlone ? put(one) : inBatches(one));
    }
  };
}
var LARGE_CHARACTERS = 64 * 1024;
var GATHERING_MILLISECONDS = 30;
var CALLS_AT_ONCE2 = 8;
var ATTEMPTS = 6;
var NAR_TYPE = "application/x-nix-nar";
function createBatches(api, put, { context }) {
  const queue = [];
  let calls = 0;
  let isGathering = false;
  function gather() {
    if (queue.length >= api.narinfosAtOnce) return flush();
    if (isGathering) return;
    isGathering = true;
    setTimeout(() => {
      isGathering = false;
      flush();
    }, GATHERING_MILLISECONDS);
  }
  function flush() {
    while (calls < CALLS_AT_ONCE2 && queue.length > 0) {
      calls++;
      void send(queue.splice(0, api.narinfosAtOnce)).finally(() => {
        calls--;
        flush();
      });
    }
  }
  async function send(batch) {
    const left = new Map(batch.map((waiting) => [waiting.path, waiting]));
    const passing = /* @__PURE__ */ new Map();
    let broken;
    try {
      const lines = batch.map(({ path: path5, narinfo, listing, nar, buildSeconds, upstream = [] }) => ({
        path: path5,
        narinfo,
        ...upstream.length === 0 ? {} : { upstreamReferences: [...upstream] },
        ...listing === void 0 ? {} : { listing },
        ...buildSeconds === void 0 ? {} : { buildSeconds },
        ...nar === void 0 ? {} : { nar: nar.toString("base64") }
      }));
      await api.publish(lines, (end) => {
        const { hash, refusal } = end;
        const waiting = left.get(hash);
        if (waiting === void 0) return;
        if (refusal !== void 0 && isTransientStatus(refusal.status)) {
          passing.set(hash, refusal);
          return;
        }
        left.delete(hash);
        const isIgnored = refusal?.code === "nar-absent" && waiting.nar !== void 0;
        if (isIgnored) put(waiting).then(waiting.succeed, waiting.fail);
        else if (refusal === void 0) {
          waiting.succeed(end.outcome === "conflict" ? "conflict" : void 0);
        } else waiting.fail(refusal);
      });
    } catch (error) {
      if (isWithoutBatches(error)) {
        for (const waiting of batch) put(waiting).then(waiting.succeed, waiting.fail);
        return;
      }
      const isCut = error instanceof Unreachable && left.size < batch.length;
      if (!isCut) return left.forEach((waiting) => waiting.fail(error));
      broken = error;
    }
    await sendAgain(left, passing, broken, left.size < batch.length);
  }
  async function sendAgain(left, passing, broken, hasProgress) {
    if (left.size === 0) return;
    const again = [];
    for (const waiting of left.values()) {
      const failure = passing.get(waiting.path) ?? broken;
      if (failure !== void 0 || !hasProgress) waiting.attempts++;
      if (waiting.attempts < ATTEMPTS) again.push(waiting);
      else waiting.fail(failure ?? new ClientError("the cache publishes none of the narinfos"));
    }
    const attempts = Math.max(0, ...again.map((waiting) => waiting.attempts));
    try {
      if (attempts > 0) {
        await context.sleep(retryPauseMilliseconds(attempts, void 0, context.random));
      }
    } catch (error) {
      return again.forEach((waiting) => waiting.fail(error));
    }
    queue.unshift(...again);
  }
  return (one) => new Promise((succeed, fail) => {
    queue.push({ ...one, attempts: 0, succeed, fail });
    gather();
  });
}

// src/client/push/send-logs.ts
function createLogSender(session, progress) {
  const sent = /* @__PURE__ */ new Set();
  return {
    async send(deriver) {
      if (!session.options.withLogs || deriver === void 0) return false;
      const name = formatStorePathBaseName(deriver);
      if (sent.has(name)) return false;
      sent.add(name);
      try {
        return await sendLog(deriver, session);
      } catch (error) {
        session.context.signal.throwIfAborted();
        progress.say(`warning: the log of ${name} is not sent: ${describeError(error)}`);
        return false;
      }
    }
  };
}
async function sendLog(deriver, { client, store, context }) {
  if (await findBuildLog(deriver, store, context.env) === void 0) return false;
  const args = [...storeArgs(store), "--read-log", formatStorePath(deriver, store.storeDir)];
  const text2 = await runNix({ program: "nix-store", args }, context);
  const target = `log/${encodeURIComponent(formatStorePathBaseName(deriver))}`;
  await client.put(target, "text/plain; charset=utf-8", textBody(text2));
  return true;
}

// src/client/push/publish-steps.ts
function createPublishSteps(session, progress, { settle, settleError, settleBlocked }, upstream = /* @__PURE__ */ new Set()) {
  const { options, store, limits, guard, context } = session;
  const { storeDir } = store;
  const uploads = createNarUploads(session);
  const publisher = createNarinfoPublisher(session);
  const logs = createLogSender(session, progress);
  const waitingBytes = /* @__PURE__ */ new Map();
  const packing = {
    ...options,
    store,
    memory: limits.memory,
    spoolDirectory: spoolDirectory(context.env)
  };
  async function sendNar({ info }) {
    const startedAt = context.now().getTime();
    const transfer = progress.start(info.path.name, info.narSize);
    try {
      const nar = await limits.packing.run(async () => {
        checkGoesOn();
        return await packNar(info, packing, context, (bytes) => transfer.packed(bytes));
      });
      const stored = await storeAndClose(info, nar, transfer);
      const sent = { ...stored, fileSize: nar.fileSize, startedAt };
      return { narinfo: composeNarinfo(info, nar, storeDir), sent };
    } finally {
      transfer.end();
    }
  }
  async function storeAndClose(info, nar, transfer) {
    const { path: path5 } = info;
    const listing = limits.publishing.run(() => sendListing(path5.hash, nar.listing, session));
    try {
      if (canWait(nar)) {
        waitingBytes.set(info, nar.fileSize);
        const bytes = await readBody(nar.spool.slice(0, nar.fileSize));
        return { sentBytes: nar.fileSize, listing: await listing, nar: bytes };
      }
      const sentBytes2 = await uploads.upload(nar, transfer);
      return { sentBytes: sentBytes2, listing: await listing, nar: void 0 };
    } finally {
      await listing;
      await nar.close();
    }
  }
  function canWait({ fileSize }) {
    const limit = session.batches?.maxNarBytes ?? 0;
    return fileSize <= limit && limits.waitingNars.take(fileSize);
  }
  function checkGoesOn() {
    context.signal.throwIfAborted();
    guard.check();
  }
  return {
    async prepare(path5) {
      const { choice, info } = path5;
      if (choice.kind === "sign") return { narinfo: choice.published, sent: void 0 };
      const slots = info.narSize > session.partThresholdBytes ? limits.large : limits.requests;
      return await slots.run(async () => {
        checkGoesOn();
        return await sendNar(path5);
      });
    },
    async publish({ info }, { narinfo, sent }) {
      const { path: path5, narSize, deriver } = info;
      const { signKey } = options;
      const signed = signKey === void 0 ? narinfo : await signNarinfo(narinfo, signKey, storeDir);
      checkGoesOn();
      const buildSeconds = sent === void 0 ? void 0 : await readBuildSeconds(info, store, context.env);
      const left = signed.references.map(({ hash }) => hash).filter((hash) => upstream.has(hash));
      const more = { listing: sent?.listing.text, nar: sent?.nar, buildSeconds, upstream: left };
      const outcome = await publisher.publish(signed, more);
      if (outcome === "conflict") {
        const reason = "in the cache with other contents, which it keeps";
        return { kind: "skipped", path: path5, reason, isSuspicious: true };
      }
      if (sent === void 0) {
        const reason = `in the cache; now signed by ${signKey?.name ?? ""}`;
        return { kind: "skipped", path: path5, reason, isSuspicious: false };
      }
      const { fileSize, sentBytes: sentBytes2, startedAt, listing } = sent;
      if (listing.problem !== void 0) {
        const name = formatStorePathBaseName(path5);
        progress.say(`warning: the listing of ${name} is not sent: ${listing.problem}`);
      }
      const withLog = await limits.publishing.run(() => logs.send(deriver));
      const seconds = (context.now().getTime() - startedAt) / 1e3;
      return { kind: "pushed", path: path5, narSize, fileSize, sentBytes: sentBytes2, seconds, withLog };
    },
    onEnd({ info }, publication) {
      const { path: path5 } = info;
      limits.waitingNars.give(waitingBytes.get(info) ?? 0);
      waitingBytes.delete(info);
      switch (publication.outcome) {
        case "published":
          guard.succeeded();
          settle(publication.value);
          break;
        case "failed":
          settleError(path5, publication.error);
          break;
        case "blocked":
          settleBlocked(path5, publication.needs);
      }
    }
  };
}

// src/client/push/pin-outcome.ts
function formatPinned(pin) {
  if ("message" in pin) return `not pinned as ${pin.name}: ${pin.message}`;
  const { name, keep, kept, dropped } = pin;
  const facts = [
    `keeps ${formatKeep(keep)}`,
    `${kept} ${kept === 1 ? "path" : "paths"} now`,
    ...dropped === 0 ? [] : [`${dropped} older dropped`]
  ];
  return `pinned as ${name} (${facts.join(", ")})`;
}
function formatKeep(keep) {
  if (keep === "forever") return "all revisions";
  if ("days" in keep) {
    return keep.days === 1 ? "the revisions of a day" : `the revisions of ${keep.days} days`;
  }
  return keep.revisions === 1 ? "the last revision" : `the last ${keep.revisions} revisions`;
}

// src/client/push/push-report.ts
function formatOutcome(outcome) {
  const name = formatStorePathBaseName(outcome.path);
  switch (outcome.kind) {
    case "pushed": {
      const sizes = `${formatBytes(outcome.narSize)}, ${formatBytes(outcome.fileSize)} packed`;
      const stored = outcome.sentBytes > 0 ? "" : ", the bucket already had it";
      return `pushed ${name} (${sizes}${stored}, ${formatDuration(outcome.seconds)})`;
    }
    case "skipped":
      return `${outcome.isSuspicious ? "warning: " : ""}skipped ${name}: ${outcome.reason}`;
    case "failed":
      return `failed ${name}: ${outcome.message}`;
    case "untried":
      return `not tried ${name}`;
  }
}
function hasFailed({ outcomes, stopped, pin }) {
  if (pin !== void 0 && "message" in pin) return true;
  return stopped !== void 0 || outcomes.some(({ kind }) => kind === "failed");
}
function formatPushSummary({
  outcomes,
  seconds,
  stopped,
  pin
}) {
  const pushed = outcomes.filter((outcome) => outcome.kind === "pushed");
  const skipped = outcomes.filter((outcome) => outcome.kind === "skipped");
  const countOf = (kind) => outcomes.filter((outcome) => outcome.kind === kind).length;
  const reasons = [...countBy(skipped, ({ reason }) => reason)].map(
    ([reason, count2]) => `${count2} ${reason}`
  );
  const facts = [
    `${countPaths(pushed.length)} pushed (${formatBytes(sentBytes(outcomes))} sent)`,
    ...countUnusable(pushed.filter(({ isUnusable }) => isUnusable === true).length),
    ...countLogs(pushed.filter(({ withLog }) => withLog === true).length),
    ...skipped.length === 0 ? [] : [`${skipped.length} skipped (${reasons.join(", ")})`],
    ...countOf("failed") === 0 ? [] : [`${countOf("failed")} failed`],
    ...countOf("untried") === 0 ? [] : [`${countOf("untried")} not tried`]
  ];
  return [
    `${facts.join(", ")} in ${formatDuration(seconds)}`,
    ...stopped === void 0 ? [] : [`stopped: ${stopped}`],
    ...pin === void 0 ? [] : [formatPinned(pin)]
  ];
}
function sentBytes(outcomes) {
  return outcomes.reduce(
    (total, outcome) => outcome.kind === "pushed" ? total + outcome.sentBytes : total,
    0
  );
}
function countBy(list, nameOf2) {
  const counts = /* @__PURE__ */ new Map();
  for (const item of list) counts.set(nameOf2(item), (counts.get(nameOf2(item)) ?? 0) + 1);
  return counts;
}
function countUnusable(count2) {
  return count2 === 0 ? [] : [`${count2} of them UNUSABLE without a signature`];
}
function countLogs(count2) {
  return count2 === 0 ? [] : [count2 === 1 ? "1 build log" : `${count2} build logs`];
}
function countPaths(count2) {
  return count2 === 1 ? "1 path" : `${count2} paths`;
}

// src/client/push/references-first.ts
async function publishReferencesFirst(paths, lost, steps) {
  const ended = /* @__PURE__ */ new Map();
  const failed = new Set(lost);
  async function run(path5, references) {
    const known = references.find((id) => failed.has(id));
    if (known !== void 0) return { outcome: "blocked", needs: known };
    const prepared = await steps.prepare(path5);
    const publications = await Promise.all(references.map((id) => ended.get(id)));
    const missing = publications.findIndex((publication) => publication?.outcome !== "published");
    if (missing !== -1) return { outcome: "blocked", needs: references[missing] ?? "" };
    return { outcome: "published", value: await steps.publish(path5, prepared) };
  }
  for (const path5 of sortReferencesFirst(paths)) {
    const isAwaited = (id) => id !== path5.id && (ended.has(id) || failed.has(id));
    const references = path5.references.filter(isAwaited);
    const publication = run(path5, references).catch((error) => ({ outcome: "failed", error })).then((result) => {
      if (result.outcome !== "published") failed.add(path5.id);
      steps.onEnd(path5, result);
      return result;
    });
    ended.set(path5.id, publication);
  }
  await Promise.all(ended.values());
}
function sortReferencesFirst(paths) {
  const byId = new Map(paths.map((path5) => [path5.id, path5]));
  const sorted = [];
  const states = /* @__PURE__ */ new Map();
  for (const root of paths) {
    const stack = [{ path: root, next: 0 }];
    while (stack.length > 0) {
      const frame = stack.at(-1);
      const { path: path5 } = frame;
      if (frame.next === 0 && states.has(path5.id)) {
        stack.pop();
        continue;
      }
      states.set(path5.id, "open");
      const id = path5.references[frame.next++];
      if (id === void 0) {
        states.set(path5.id, "done");
        sorted.push(path5);
        stack.pop();
        continue;
      }
      const reference = byId.get(id);
      if (reference === void 0 || id === path5.id) continue;
      if (states.get(id) === "open") throw new Error(`${path5.id} and ${id} refer to each other`);
      if (!states.has(id)) stack.push({ path: reference, next: 0 });
    }
  }
  return sorted;
}

// src/client/push/stop-guard.ts
var Stopped = class extends Error {
};
var UNANSWERED_PATHS = 3;
function createStopGuard() {
  let reason;
  let unanswered = 0;
  return {
    check() {
      if (reason !== void 0) throw new Stopped(reason);
    },
    succeeded() {
      unanswered = 0;
    },
    failed(error) {
      const status = error instanceof CacheRefusal ? error.status : void 0;
      const isRefused = status === 401 || status === 403;
      const isUnanswered = error instanceof Unreachable || status !== void 0 && isTransientStatus(status);
      if (isUnanswered) unanswered++;
      if (isRefused || unanswered >= UNANSWERED_PATHS) reason ??= describeError(error);
      return reason !== void 0 && (isRefused || isUnanswered);
    },
    reason: () => reason
  };
}

// src/client/push/push-paths.ts
async function pushPaths(roots, session, progress, done = /* @__PURE__ */ new Set()) {
  const { store, context, guard } = session;
  const outcomes = [];
  const lost = /* @__PURE__ */ new Set();
  const untried = /* @__PURE__ */ new Set();
  const unusable = /* @__PURE__ */ new Set();
  function settle(outcome) {
    const isUnusable = outcome.kind === "pushed" && unusable.has(formatStorePathBaseName(outcome.path));
    outcomes.push(isUnusable ? { ...outcome, isUnusable } : outcome);
    const isWorthALine = outcome.kind === "failed" || isSuspicious(outcome);
    if (isWorthALine) progress.say(formatOutcome(outcome));
    else if (outcome.kind === "pushed") progress.finished(formatOutcome(outcome));
  }
  function settleError(path5, error) {
    const id = formatStorePathBaseName(path5);
    lost.add(id);
    if (context.signal.aborted) return;
    if (error instanceof Stopped || guard.failed(error)) {
      untried.add(id);
      settle({ kind: "untried", path: path5 });
    } else {
      settle({ kind: "failed", path: path5, message: describeError(error) });
    }
  }
  function settleBlocked(path5, needs) {
    if (!untried.has(needs)) {
      return settle({
        kind: "failed",
        path: path5,
        message: `not published, because it needs ${needs}, which failed`
      });
    }
    untried.add(formatStorePathBaseName(path5));
    settle({ kind: "untried", path: path5 });
  }
  progress.status("asking Nix for the closure");
  const closure = await readClosure(roots, store, context);
  for (const path5 of closure.invalid) {
    settle({
      kind: "failed",
      path: path5,
      message: "the store does not have this path. Build it again; Nix may have deleted it as garbage"
    });
  }
  for (const path5 of closure.unlisted) {
    const message = "Nix does not list this path in its own closure. This is a fault of its version";
    settle({ kind: "failed", path: path5, message });
  }
  const infos = [...closure.infos].flatMap(([id, info]) => done.has(id) ? [] : [info]);
  progress.status(`asking the cache for ${infos.length} paths`);
  const pending = await choosePaths(infos, roots, session, { settle, settleError });
  for (const id of await findUnusable(pending, session)) unusable.add(id);
  if (unusable.size > 0) {
    progress.say(`warning: ${describeUnusable(unusable.size, session.facts)}`);
  }
  const toSend = pending.filter(({ choice }) => choice.kind === "push");
  progress.expect(
    toSend.length,
    toSend.reduce((total, { info }) => total + info.narSize, 0)
  );
  const left = [...closure.infos.values()].filter(
    (info) => skipSignedUpstream(info, session.options.upstreamKeys) !== void 0
  );
  const upstream = new Set(left.map(({ path: path5 }) => path5.hash));
  const ends = { settle, settleError, settleBlocked };
  const steps = createPublishSteps(session, progress, ends, upstream);
  await publishReferencesFirst(pending, lost, steps);
  context.signal.throwIfAborted();
  const published = infos.filter(({ path: path5 }) => !lost.has(formatStorePathBaseName(path5)));
  const realisations = await pushRealisations(published, session, { settleError });
  if (realisations > 0) {
    progress.say(`stored ${realisations} realisation${realisations === 1 ? "" : "s"}`);
  }
  context.signal.throwIfAborted();
  return outcomes;
}
function isSuspicious(outcome) {
  return outcome.kind === "skipped" && outcome.isSuspicious;
}

// src/client/push/push-limits.ts
import { availableParallelism } from "node:os";
var MEMORY_BYTES = 128 * 1024 * 1024;
var WAITING_BYTES = 16 * 1024 * 1024;
var REQUESTS_AT_ONCE = 32;
var NARINFOS_AT_ONCE = 16;
var LARGE_AT_ONCE = 4;
var PARTS_AT_ONCE2 = 8;
function createPushLimits() {
  return {
    memory: createSpoolMemory(MEMORY_BYTES),
    waitingNars: createSpoolMemory(WAITING_BYTES),
    packing: createSemaphore(Math.min(availableParallelism() * 2, 8)),
    requests: createSemaphore(REQUESTS_AT_ONCE),
    publishing: createSemaphore(NARINFOS_AT_ONCE),
    large: createSemaphore(LARGE_AT_ONCE),
    parts: createSemaphore(PARTS_AT_ONCE2)
  };
}
function createSemaphore(count2) {
  const waiting = [];
  let free = count2;
  return {
    async run(task) {
      if (free > 0) free--;
      else await new Promise((resolve) => waiting.push(resolve));
      try {
        return await task();
      } finally {
        const next = waiting.shift();
        if (next === void 0) free++;
        else next();
      }
    }
  };
}

// src/http/payload-header.ts
var PAYLOAD_HEADERS = ["x-amz-content-sha256", "x-amz-checksum-sha256"];

// src/client/push/upload-api.ts
function createUploadApi(client) {
  async function call(target, input, schema) {
    return understandAnswer(schema, await client.call("POST", target, input), target);
  }
  return {
    async hasProvingBucket() {
      try {
        return (await call(ENDPOINTS.uploadProof, {}, uploadProofSchema)).provedBy === "bucket";
      } catch (error) {
        if (error instanceof CacheRefusal && error.code === "no-such-endpoint") return false;
        throw error;
      }
    },
    async startSigned({ fileHash, sizeBytes, extension }) {
      const answer = await call(
        ENDPOINTS.signedUpload,
        { fileHash: formatDigest(fileHash, "nix32"), size: sizeBytes, extension },
        signedUploadSchema
      );
      if (answer.status === "stored") return "stored";
      if (answer.status === "sent") return { sent: answer.handle };
      const { handle, url, headers } = answer;
      requireSecureUrl(url, "the NAR");
      return { handle, url, headers: pickHeaders(headers) };
    },
    async start({ fileHash, sizeBytes, extension }) {
      const answer = await call(
        ENDPOINTS.uploads,
        { fileHash: formatDigest(fileHash, "nix32"), size: sizeBytes, extension },
        uploadStartedSchema
      );
      if (answer.status === "stored") return "stored";
      const { handle, partSize } = answer;
      requireBoundedPlan(sizeBytes, partSize);
      return { handle, partSizeBytes: partSize, parts: toMap(answer), urls: toPartUrls(answer) };
    },
    async signParts(handle, numbers) {
      const parts = numbers.slice(0, MAX_PART_URLS);
      return toPartUrls(await call(ENDPOINTS.uploadUrls, { handle, parts }, partUrlsSchema));
    },
    async listParts(handle) {
      return toMap(await call(ENDPOINTS.uploadParts, { handle }, partsSchema));
    },
    async complete(handle, onEvent) {
      let last;
      await client.callForLines(ENDPOINTS.uploadComplete, { handle }, (line) => {
        last = readEvent(line);
        onEvent(last);
      });
      return last;
    }
  };
}
function toMap({ parts }) {
  return new Map(parts.map(({ number: number2, size }) => [number2, size]));
}
function toPartUrls({ urls, urlsExpire }) {
  for (const { number: number2, url } of urls) requireSecureUrl(url, `part ${number2}`);
  const byPart = new Map(urls.map(({ number: number2, url }) => [number2, url]));
  return { byPart, expire: new Date(urlsExpire) };
}
function requireSecureUrl(url, what) {
  if (URL.canParse(url) && isSecureUrl(new URL(url))) return;
  throw new ClientError(
    `the cache gave a URL for ${what} that is not https. Nothing is sent to it`
  );
}
var SIGNED_HEADERS = ["authorization", "content-type", "x-amz-date", ...PAYLOAD_HEADERS];
function pickHeaders(headers) {
  const picked = Object.entries(headers).filter(
    ([name, value]) => SIGNED_HEADERS.includes(name) && /^[\x20-\x7e]{1,1024}$/.test(value) && (name !== "authorization" || value.startsWith("AWS4-HMAC-SHA256 "))
  );
  return Object.fromEntries(picked);
}
function requireBoundedPlan(sizeBytes, partSizeBytes) {
  const parts = Math.ceil(sizeBytes / partSizeBytes);
  if (parts <= MAX_S3_PARTS) return;
  throw new ClientError(
    `the cache asks for ${parts} parts of ${partSizeBytes} bytes. S3 allows ${MAX_S3_PARTS} parts`
  );
}
function readEvent(line) {
  const error = readError(line);
  if (error !== void 0) return { status: "failed", ...error };
  return understandAnswer(completionLineSchema, line, ENDPOINTS.uploadComplete);
}

// src/client/push/push-session.ts
async function openPushSession(options, context) {
  const { client, firstContact, http, token } = await openCache(options.cache, context);
  if (token === void 0) {
    const { hostname } = new URL(client.url);
    throw new ClientError(
      `no token for ${hostname}: set NARGATE_TOKEN, use --token-file, or put the token into a netrc file`
    );
  }
  const [facts] = await Promise.all([
    readGatewayFacts(firstContact),
    requirePushToken(firstContact, token.source)
  ]);
  const { uploads, storeDir, partSizeThreshold } = facts;
  if (!uploads)
    throw new ClientError(
      "this cache does not accept pushes. Ask its operator to check the settings for pushing (TOKENS, OIDC_TRUST)"
    );
  const location = findStore(options.storeUrl, context.env);
  if (storeDir !== location.storeDir) {
    throw new UsageError(
      `this cache is for the store directory ${storeDir}, but the store uses ${location.storeDir}. Use another cache, or another --store`
    );
  }
  const api = createUploadApi(client);
  return {
    client,
    http,
    api,
    signing: createSigning(api),
    batches: createBatchApi(client, facts),
    options,
    facts,
    store: { ...location, url: options.storeUrl },
    partThresholdBytes: partSizeThreshold,
    limits: createPushLimits(),
    guard: createStopGuard(),
    context
  };
}
async function requirePushToken(client, source) {
  let token;
  try {
    token = await readTokenFacts(client);
  } catch (error) {
    if (!(error instanceof CacheRefusal && error.status === 401)) throw error;
    throw new ClientError(`the cache refused the token from ${source}: ${error.message}`, {
      cause: error
    });
  }
  const { name, scopes } = token;
  if (scopes.includes("push") || scopes.includes("admin")) return;
  throw new ClientError(
    `the token ${name} from ${source} may not push: its scopes are ${scopes.join(", ") || "none"}. Use a token with the scope push`
  );
}

// src/action/format-job-summary.ts
var MAX_LISTED = 100;
function formatJobSummary({ url, push, hits }) {
  const rows = [...pushRows(push), ...hits === void 0 ? [] : hitRows(hits)];
  const lines = [
    `### Nix cache ${new URL(url).host}`,
    "",
    "| | |",
    "| --- | --- |",
    ...rows.map(([name, value]) => `| ${name} | ${escapeCell(value)} |`),
    "",
    ..."reason" in push ? [] : listPaths(push.outcomes)
  ];
  return lines.join("\n");
}
function pushRows(push) {
  if ("reason" in push) return [["Pushed", `nothing: ${push.reason}`]];
  const { outcomes, seconds, stopped } = push;
  const pushed = outcomes.filter((outcome) => outcome.kind === "pushed");
  const sentBytes2 = pushed.reduce((total, outcome) => total + outcome.sentBytes, 0);
  const skipped = outcomes.filter((outcome) => outcome.kind === "skipped");
  const failed = outcomes.filter(({ kind }) => kind === "failed").length;
  const untried = outcomes.filter(({ kind }) => kind === "untried").length;
  const sizes = `${formatBytes(sentBytes2)} sent in ${formatDuration(seconds)}`;
  return [
    ["Pushed", `${countPaths2(pushed.length)}, ${sizes}`],
    ...skipped.length === 0 ? [] : [["Skipped", countReasons(skipped)]],
    ...failed === 0 ? [] : [["Failed", countPaths2(failed)]],
    ...untried === 0 ? [] : [["Not tried", countPaths2(untried)]],
    ...stopped === void 0 ? [] : [["Stopped", stopped]]
  ];
}
function hitRows({ fromCache, fromElsewhere, made }) {
  return [
    ["Pulled from this cache", formatTally(fromCache)],
    ["Pulled from other caches", formatTally(fromElsewhere)],
    ["Built or added here", formatTally(made)]
  ];
}
function countReasons(skipped) {
  const counts = /* @__PURE__ */ new Map();
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count2]) => `${count2} ${reason}`).join(", ");
}
function listPaths(outcomes) {
  const failed = outcomes.flatMap(
    (outcome) => outcome.kind === "failed" ? [`${nameOf(outcome)}: ${outcome.message}`] : []
  );
  const pushed = outcomes.flatMap(
    (outcome) => outcome.kind === "pushed" ? [`${nameOf(outcome)} (${formatBytes(outcome.fileSize)})`] : []
  );
  return [...formatList("Failed paths", failed), ...formatList("Pushed paths", pushed)];
}
function formatList(title, items) {
  if (items.length === 0) return [];
  const more = items.length - MAX_LISTED;
  return [
    `<details><summary>${title}</summary>`,
    "",
    ...items.slice(0, MAX_LISTED).map((item) => `- ${escapeHtml(item)}`),
    ...more > 0 ? [`- … and ${more} more`] : [],
    "",
    "</details>",
    ""
  ];
}
function nameOf({ path: path5 }) {
  return formatStorePathBaseName(path5);
}
function formatTally({ paths, narBytes }) {
  return paths === 0 ? "nothing" : `${countPaths2(paths)}, ${formatBytes(narBytes)} unpacked`;
}
function countPaths2(count2) {
  return count2 === 1 ? "1 path" : `${count2} paths`;
}
function escapeCell(text2) {
  return escapeHtml(text2).replaceAll("|", "\\|");
}
function escapeHtml(text2) {
  return text2.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\n", " ");
}

// src/action/run-post.ts
async function runPost(context) {
  const { runner } = context;
  const state = parseJobState(runner.state(JOB_STATE));
  if (state === void 0) {
    runner.info("nothing to do, because the first step of the action failed early");
    return;
  }
  if (!isWorkDirectory(state.workDirectory, context.env)) {
    runner.fail(
      "the state of the first step names a directory that the action did not make. Nothing is pushed and nothing is cleaned up"
    );
    return;
  }
  try {
    await pushAndTell(await readInputs(runner), state, context);
  } finally {
    await cleanUp(state, { ...context, signal: new AbortController().signal });
  }
}
var COMPRESSION_LEVEL = 3;
async function pushAndTell(inputs, state, context) {
  const { runner } = context;
  let infos;
  let push = whyNot(inputs, state);
  if (push !== void 0) runner.info(`nothing is pushed: ${push.reason}`);
  try {
    infos = await findNewPaths(state.workDirectory, context);
    push ??= await pushNewPaths(infos, inputs, state, context);
  } catch (error) {
    const reason = describeError(error);
    if (push === void 0) tellFailure(`nothing was pushed: ${reason}`, inputs, context);
    push ??= { reason };
  }
  if ("outcomes" in push && hasFailed(push)) {
    tellFailure("some new paths could not be pushed; see the lines above", inputs, context);
  }
  const hits = infos === void 0 ? void 0 : countHits(infos, state.publicKeys);
  try {
    await runner.addToSummary(formatJobSummary({ url: inputs.url, push, hits }));
  } catch (error) {
    runner.warning(`cannot write the summary of the job: ${describeError(error)}`);
  }
}
function whyNot(inputs, { pushBy, reason }) {
  if (pushBy === void 0) return { reason: `this job only pulls: ${reason}` };
  const { pushOnFailure, jobStatus } = inputs;
  if (pushOnFailure || jobStatus === "success") return void 0;
  const status = jobStatus || "unknown";
  return { reason: `the input push-on-failure is false, and the status of the job is ${status}` };
}
function tellFailure(line, { failOnPushError }, { runner }) {
  if (failOnPushError) runner.fail(line);
  else runner.warning(line);
}
async function pushNewPaths(infos, inputs, { pushBy }, context) {
  const { runner } = context;
  const { pushFilter, upstreamKeys, signKey, url } = inputs;
  const roots = infos.map(({ path: path5 }) => path5).filter((path5) => pushFilter?.test(formatStorePathBaseName(path5)) !== true);
  if (roots.length === 0) {
    runner.info("nothing to push: the job added no paths to the store");
    return { reason: "the job added no paths to the store" };
  }
  const sources = listTokenSources(inputs, context);
  const tokens = pushBy === void 0 ? void 0 : sources.get(pushBy);
  if (tokens === void 0)
    throw new ClientError(
      "the token that the first step found is gone. Give the action the same inputs and permissions for the whole job"
    );
  const startedAt = context.now().getTime();
  return await runner.group(`pushing to ${url}`, async () => {
    const options = {
      cache: { to: url, tokens },
      storeUrl: void 0,
      upstreamKeys,
      signKey,
      compression: "zstd",
      compressionLevel: COMPRESSION_LEVEL,
      isRepair: false,
      withListing: true,
      withLogs: false,
      isJson: false
    };
    const session = await openPushSession(options, context);
    const progress = createPlainProgress(context);
    try {
      const outcomes = await pushPaths(roots, session, progress);
      const seconds = (context.now().getTime() - startedAt) / 1e3;
      const report = { outcomes, seconds, stopped: session.guard.reason() };
      for (const line of formatPushSummary(report)) runner.info(line);
      return report;
    } finally {
      progress.close();
    }
  });
}
async function cleanUp({ changes, workDirectory }, context) {
  for (const change of changes.toReversed()) {
    const files = change.isRoot ? createRootFiles(context) : OWN_FILES;
    try {
      await undoChange(change, files, workDirectory);
    } catch (error) {
      context.runner.warning(`cannot restore ${change.file}: ${describeError(error)}`);
    }
  }
  await rm2(workDirectory, { recursive: true, force: true });
}

// src/action/post.ts
await runStep(runPost);
