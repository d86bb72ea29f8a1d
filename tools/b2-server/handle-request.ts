import type { IncomingMessage, ServerResponse } from "node:http";
import type { Result } from "../../src/result.ts";
import { requireCapability, requireName, type ApplicationKey } from "./application-key.ts";
import { createErrorAnswer, dropAnswer, type Answer } from "./answer.ts";
import { createFaultAnswer } from "./fault-answer.ts";
import type { FaultEffect, FaultInjector } from "./fault-injector.ts";
import { readCheckedBody } from "./http/request-body.ts";
import { checkObjectKey, parseRequestTarget, type RequestTarget } from "./http/request-target.ts";
import { resolveOperation, type Operation } from "./operations/operation-rules.ts";
import { runOperation } from "./operations/run-operation.ts";
import type { OpenLogEntry, RequestLog } from "./request-log.ts";
import { S3Error } from "./s3-error.ts";
import { pause, sendAnswer } from "./send-answer.ts";
import {
  checkSignature,
  type CheckedSignature,
  type DeriveSigningKey,
} from "./signature/check-signature.ts";
import type { ObjectStore } from "./store/object-store.ts";

/** The objects that `handleRequest` needs; all requests of a server share them. */
export interface RequestDependencies {
  readonly region: string;
  readonly keys: ReadonlyMap<string, ApplicationKey>;
  readonly deriveSigningKey: DeriveSigningKey;
  readonly store: ObjectStore;
  readonly faults: FaultInjector;
  readonly requests: RequestLog;
  readonly now: () => Date;
  /** Receives every error that was answered with a 500. */
  readonly onError: (error: unknown) => void;
}

/** A request whose target is parsed and whose signature is not checked yet. */
interface ReceivedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  readonly operation: Operation | undefined;
  readonly log: OpenLogEntry;
}

interface Outcome {
  /** `undefined` if a fault closes the connection instead. */
  readonly answer: Answer | undefined;
  readonly effect: FaultEffect;
}

/** Handles one request: checks it, carries it out, injects faults and answers. */
export async function handleRequest(
  dependencies: RequestDependencies,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "", headers } = request;
  const target = parseRequestTarget(url);
  const copies = headers["x-amz-copy-source"] !== undefined;
  const operation = target.ok ? resolveOperation(method, target.value, copies) : undefined;
  const { bucket, key } = target.ok ? target.value : { bucket: "", key: "" };
  const name = operation?.name ?? "Unknown";
  const log = dependencies.requests.begin({ bucket, key, method, operation: name }, headers.range);
  const { answer, effect } = target.ok
    ? await answerRequest(dependencies, { request, response, target: target.value, operation, log })
    : { answer: createErrorAnswer(target.error), effect: {} };
  if (answer === undefined) {
    request.socket.destroy();
    return;
  }
  log.status = answer.status;
  await sendAnswer(response, answer, effect, (count) => {
    log.bytesOut += count;
  });
  // Read and discard the rest of a refused body; otherwise the connection would stall.
  request.resume();
}

async function answerRequest(
  dependencies: RequestDependencies,
  received: ReceivedRequest,
): Promise<Outcome> {
  const { faults, onError } = dependencies;
  const latencyMs = faults.latencyMs(received.log.bucket);
  if (latencyMs > 0) await pause(received.response, latencyMs);
  const signed = authenticate(dependencies, received);
  if (!signed.ok) return { answer: createErrorAnswer(signed.error), effect: {} };
  // Faults apply only after the signature check, so no fault hides a wrong signature.
  const effect = faults.take(received.log) ?? {};
  if (effect.delayMs !== undefined) await pause(received.response, effect.delayMs);
  const answer = await applyFault(effect, async () => {
    try {
      return await perform(dependencies, received, signed.value, effect);
    } catch (error) {
      if (!(error instanceof S3Error)) onError(error);
      return createErrorAnswer(error);
    }
  });
  return { answer, effect };
}

function authenticate(
  dependencies: RequestDependencies,
  { request, target }: ReceivedRequest,
): Result<CheckedSignature<ApplicationKey>, S3Error> {
  const { keys, region, now, deriveSigningKey } = dependencies;
  return checkSignature(
    { method: request.method ?? "GET", target, headers: request.headers },
    { region, now: now(), findKey: (keyId) => keys.get(keyId), deriveSigningKey },
  );
}

async function perform(
  dependencies: RequestDependencies,
  { request, target, operation, log }: ReceivedRequest,
  { key: applicationKey, bodySha256 }: CheckedSignature<ApplicationKey>,
  effect: FaultEffect,
): Promise<Answer> {
  if (operation === undefined) throw new S3Error("NotImplemented");
  requireCapability(applicationKey, operation.capability);
  const key = checkObjectKey(target.key);
  if (!key.ok) throw key.error;
  if (key.value !== "") requireName(applicationKey, key.value);
  const findBucket = (name: string) => dependencies.store.bucket(name);
  const bucket = findBucket(target.bucket);
  if (bucket === undefined && target.bucket !== "") throw new S3Error("NoSuchBucket");
  if (bucket === undefined) throw new S3Error("AccessDenied");
  const headers = { ...request.headers };
  if (effect.ignoreRange === true) delete headers.range;
  const length = headers["content-length"];
  const claims = {
    lengthBytes: length === undefined ? undefined : Number(length),
    contentMd5: headers["content-md5"]?.toString(),
    sha256: effect.ignoreSha256 === true ? undefined : bodySha256,
    checksumSha256:
      effect.ignoreSha256 === true ? undefined : headers["x-amz-checksum-sha256"]?.toString(),
  };
  const body = readCheckedBody(request, claims, (count) => {
    log.bytesIn += count;
  });
  return runOperation(operation.name, {
    bucketName: target.bucket,
    bucket,
    key: key.value,
    query: target.query,
    headers,
    body,
    applicationKey,
    findBucket,
    now: dependencies.now,
  });
}

/**
 * Runs a request under a fault. Returns the answer, or `undefined` if the fault
 * closes the connection instead.
 */
async function applyFault(
  effect: FaultEffect,
  run: () => Promise<Answer>,
): Promise<Answer | undefined> {
  if (effect.dropConnection === "before") return undefined;
  const failure = createFaultAnswer(effect);
  if (failure !== undefined && effect.afterCommit !== true) return failure;
  const answer = await run();
  if (effect.dropConnection === undefined && failure === undefined) {
    return { ...answer, headers: { ...answer.headers, ...effect.headers } };
  }
  await dropAnswer(answer);
  return effect.dropConnection === undefined ? failure : undefined;
}
