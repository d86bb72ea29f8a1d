import type { PinKeep } from "../../api/pins.ts";
import { equalStorePaths, type StorePath } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import { createPinApi } from "../gateway/pin-api.ts";
import type { PinOutcome } from "./pin-outcome.ts";
import type { PathOutcome } from "./push-report.ts";
import type { PushSession } from "./push-session.ts";

/**
 * Pins the path that was pushed. It does not if the push of any path failed: what the path
 * needs would then not be there. Throws only if the command is interrupted.
 */
export async function pinPushed(
  root: StorePath,
  { name, keep }: { readonly name: string; readonly keep: PinKeep },
  outcomes: readonly PathOutcome[],
  { client, context }: PushSession,
): Promise<PinOutcome> {
  const lacking = outcomes.find(({ kind }) => kind === "failed" || kind === "untried");
  if (lacking !== undefined) {
    const which = equalStorePaths(lacking.path, root) ? "the path" : "a path that it needs";
    return { name, message: `${which} was not pushed` };
  }
  try {
    return { name, keep, ...(await createPinApi(client).set(name, root, keep)) };
  } catch (error) {
    context.signal.throwIfAborted();
    return { name, message: describeError(error) };
  }
}
