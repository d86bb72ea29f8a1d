import { parsePublicKey } from "../../nix/signature.ts";
import { CliError } from "../client-error.ts";
import { readField } from "../read-field.ts";
import { type CacheClient, CacheRefusal } from "./cache-client.ts";

/** What a gateway says of itself to anyone: `GET /api/v1/cache`. */
export interface GatewayFacts {
  readonly version: string;
  readonly storeDir: string;
  readonly priority: number;
  readonly access: "public" | "token";
  /** In Nix's format, each checked: they go into people's nix.conf. */
  readonly publicKeys: readonly string[];
  readonly uploads: boolean;
  /** NARs larger than this go by parts. */
  readonly partSizeThreshold: number;
}

/** Throws a `CliError` where something else than a Nargate answers. */
export async function readGatewayFacts(client: CacheClient): Promise<GatewayFacts> {
  let answer: unknown;
  try {
    answer = await client.call("GET", "api/v1/cache");
  } catch (error) {
    if (error instanceof CacheRefusal && NOT_A_NARGATE.has(error.status)) {
      throw new CliError(
        `${client.url} is no Nargate that this command knows: api/v1/cache is answered ${error.status}`,
        { cause: error },
      );
    }
    throw error;
  }
  const facts = parseGatewayFacts(answer);
  if (facts === undefined) {
    throw new CliError(`${client.url} does not answer api/v1/cache as a Nargate does`);
  }
  return facts;
}

// Of a redirect, an old gateway, another cache or a plain web server.
const NOT_A_NARGATE: ReadonlySet<number> = new Set([301, 302, 307, 308, 400, 404, 405, 410]);

function parseGatewayFacts(answer: unknown): GatewayFacts | undefined {
  const version = readField(answer, "version");
  const storeDir = readField(answer, "storeDir");
  const priority = readField(answer, "priority");
  const access = readField(answer, "access");
  const uploads = readField(answer, "uploads");
  const partSizeThreshold = readField(answer, "partSizeThreshold");
  const publicKeys = readField(answer, "publicKeys");
  if (typeof version !== "string" || typeof storeDir !== "string") return undefined;
  if (typeof priority !== "number" || typeof partSizeThreshold !== "number") return undefined;
  if (access !== "public" && access !== "token") return undefined;
  if (typeof uploads !== "boolean" || !Array.isArray(publicKeys)) return undefined;
  if (!publicKeys.every(isPublicKey)) return undefined;
  return { version, storeDir, priority, access, publicKeys, uploads, partSizeThreshold };
}

function isPublicKey(value: unknown): value is string {
  return typeof value === "string" && parsePublicKey(value).ok;
}
