import {
  array,
  boolean,
  check,
  type InferOutput,
  literal,
  nullish,
  number,
  object,
  pipe,
  readonly,
  string,
  union,
} from "valibot";
import { parsePublicKey } from "../nix/signature.ts";

const publicKey = pipe(
  string("is not a text"),
  check((text) => parsePublicKey(text).ok, "is not a public key"),
);

/** Answer of `GET /api/v1/cache`, to everyone: the facts that a client needs to use this cache. */
export const gatewayFactsSchema = object({
  version: string(),
  storeDir: string(),
  priority: number(),
  access: union([literal("public"), literal("token")]),
  /** In Nix's format. Each key is checked, because clients write it into nix.conf. */
  publicKeys: pipe(array(publicKey), readonly()),
  /** Whether the gateway accepts pushes. */
  uploads: boolean(),
  /** Bytes. The parts of a larger NAR go straight to the bucket. */
  partSizeThreshold: number(),
});
export type GatewayFacts = Readonly<InferOutput<typeof gatewayFactsSchema>>;

/** Answer of `GET /api/v1/token`, to the holder of the token that came with the request. */
export const tokenAnswerSchema = object({
  name: string(),
  /** Texts rather than scopes: a newer gateway may know more scopes than this client. */
  scopes: array(string()),
  /** The last day on which the token is valid, in UTC: YYYY-MM-DD. Null for a token without one. */
  expires: nullish(string()),
});
export type TokenAnswer = Readonly<InferOutput<typeof tokenAnswerSchema>>;
