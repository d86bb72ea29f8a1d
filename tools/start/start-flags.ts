import { parseArgs } from "node:util";
import { UsageError } from "../../src/client/client-error.ts";

export const HELP = `Usage: npm start
       npm start -- --secrets-file FILE [--config FILE]

Runs the whole cache on this machine. Without settings it uses a bucket on disk.

  --secrets-file FILE  run what npm run deploy would deploy with this file: the
                       settings of wrangler.toml, with the secrets in FILE
  --config FILE        another wrangler.toml

Environment variables:
  PORT           the port (default: 8787)
  NARGATE_STATE  the directory that keeps the bucket on disk, the signing key and the
                 tokens between runs (default: .nargate in this repository)
  HOSTS          further host names to answer to, separated by spaces
  PROVE, ABSENT, CATALOG, COLLECT, KEEP_DAYS, KEEP_SINCE, KEEP_NEWEST, KEEP_GIGABYTES
                 these settings of docs/configuration.md, to try them on the bucket on
                 disk. To try others, use --secrets-file
  B2_ENDPOINT, B2_REGION, B2_BUCKET, B2_PREFIX, B2_KEY_ID, B2_APPLICATION_KEY, TOKENS
                 all of them: use this bucket instead of the one on disk
`;

export interface StartFlags {
  readonly help: boolean;
  readonly config: string | undefined;
  readonly secretsFile: string | undefined;
}

/** Parses the arguments of `npm start`. Throws `UsageError` with the help. */
export function parseStartFlags(args: readonly string[]): StartFlags {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        "secrets-file": { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const { help, config, "secrets-file": secretsFile } = values;
    if (config !== undefined && secretsFile === undefined) {
      throw new UsageError("--config needs --secrets-file");
    }
    return { help, config, secretsFile };
  } catch (error) {
    throw new UsageError(`npm start: ${(error as Error).message}\n\n${HELP.trimEnd()}`);
  }
}
