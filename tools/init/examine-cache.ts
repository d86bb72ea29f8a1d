import type { ProcessContext } from "../../src/client/process-context.ts";
import type { RunProgram } from "./run-program.ts";

const TRIES = 24;
const PAUSE_MILLISECONDS = 5000;

/**
 * Waits until a new address answers, and runs `nargate doctor` on it. Returns the
 * exit code of the doctor, or 1 if there is no address to examine.
 */
export async function examineCache(
  url: string | undefined,
  tokenFile: string,
  { context, run }: { readonly context: ProcessContext; readonly run: RunProgram },
): Promise<number> {
  if (url === undefined) {
    context.stdout.write(
      "The deployment did not tell its address, so it was not checked. Run: ./nargate doctor URL\n",
    );
    return 1;
  }
  await waitForAnswer(url, context);
  const args = ["doctor", url, "--token-file", tokenFile];
  const { status } = await run("src/cli/nargate.ts", args, "shown");
  context.stdout.write("\n");
  return status;
}

/** A new name needs a while until DNS knows it and its certificate is there. */
async function waitForAnswer(url: string, context: ProcessContext): Promise<void> {
  for (let count = 1; count <= TRIES; count++) {
    const answer = await context
      .fetch(`${url}/nix-cache-info`, { signal: AbortSignal.timeout(PAUSE_MILLISECONDS * 2) })
      .catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    context.signal.throwIfAborted();
    context.stderr.write(
      `Waiting for ${new URL(url).host}, try ${count} of ${TRIES}: ${answer === undefined ? "no answer" : `status ${answer.status}`}\n`,
    );
    await context.sleep(PAUSE_MILLISECONDS);
  }
}
