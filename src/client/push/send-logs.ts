import { formatStorePath, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import { textBody } from "../gateway/http-client.ts";
import { findBuildLog } from "../local-nix/build-log.ts";
import { runNix } from "../local-nix/run-nix.ts";
import { storeArgs } from "../local-nix/store-location.ts";
import type { Progress } from "../progress/progress.ts";
import type { PushSession } from "./push-session.ts";

/** Sends the build logs of pushed paths. */
export interface LogSender {
  /**
   * Sends the log of a derivation, once, if this machine has it. Resolves with whether
   * it did. Never fails: a path without its log is as good.
   */
  send(deriver: StorePath | undefined): Promise<boolean>;
}

type LogSession = Pick<PushSession, "client" | "store" | "options" | "context">;

export function createLogSender(session: LogSession, progress: Progress): LogSender {
  const sent = new Set<string>();
  return {
    async send(deriver) {
      if (!session.options.withLogs || deriver === undefined) return false;
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
    },
  };
}

async function sendLog(
  deriver: StorePath,
  { client, store, context }: LogSession,
): Promise<boolean> {
  // Without this check Nix would ask all substituters for it.
  if ((await findBuildLog(deriver, store, context.env)) === undefined) return false;
  const args = [...storeArgs(store), "--read-log", formatStorePath(deriver, store.storeDir)];
  const text = await runNix({ program: "nix-store", args }, context);
  const target = `log/${encodeURIComponent(formatStorePathBaseName(deriver))}`;
  await client.put(target, "text/plain; charset=utf-8", textBody(text));
  return true;
}
