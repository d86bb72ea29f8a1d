import {
  buildTraceFingerprint,
  formatRealisation,
  realisationFingerprint,
} from "../../nix/realisation.ts";
import { mergeSignatures, signMessage } from "../../nix/signature.ts";
import { formatStorePathBaseName } from "../../nix/store-path.ts";
import { textBody } from "../gateway/http-client.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import { type LocalRealisation, readRealisations } from "../local-nix/read-realisations.ts";
import type { PathEnds } from "./push-report.ts";
import type { PushSession } from "./push-session.ts";

/**
 * Pushes the realisations that lead to these paths, which are all published. Resolves
 * with their number. A failure is settled as a failure of the path.
 */
export async function pushRealisations(
  infos: readonly PathInfo[],
  session: PushSession,
  { settleError }: Pick<PathEnds, "settleError">,
): Promise<number> {
  const { store, context, limits } = session;
  const derivers = new Map(
    infos.flatMap(({ deriver }) =>
      deriver === undefined ? [] : [[formatStorePathBaseName(deriver), deriver] as const],
    ),
  );
  if (derivers.size === 0) return 0;
  const published = new Set(infos.map(({ path }) => formatStorePathBaseName(path)));
  const realisations = (await readRealisations([...derivers.values()], store, context)).filter(
    ({ value }) => published.has(formatStorePathBaseName(value.outPath)),
  );
  let count = 0;
  await Promise.all(
    realisations.map(async (realisation) => {
      try {
        await limits.publishing.run(() => putRealisation(realisation, session));
        count++;
      } catch (error) {
        settleError(realisation.value.outPath, error);
      }
    }),
  );
  return count;
}

async function putRealisation(
  realisation: LocalRealisation,
  { client, options, context, guard }: PushSession,
): Promise<void> {
  context.signal.throwIfAborted();
  guard.check();
  const { signKey } = options;
  const { value, target } = realisation;
  const own = signKey === undefined ? [] : [await signMessage(signKey, fingerprintOf(realisation))];
  const signed = { ...value, signatures: mergeSignatures(value.signatures, own) };
  // "!" and ":" stand in the names as they are, as Nix sends them.
  const text = formatRealisation(signed);
  await client.put(target, "application/json", textBody(text));
  guard.succeeded();
}

function fingerprintOf(realisation: LocalRealisation): string {
  return realisation.kind === "realisation"
    ? realisationFingerprint(realisation.value)
    : buildTraceFingerprint(realisation.key, realisation.value);
}
