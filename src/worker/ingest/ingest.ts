import type { Bucket } from "../bucket/bucket.ts";
import type { ReadConfig, WriteConfig } from "../../settings/config.ts";
import type { Edge } from "../edge/edge.ts";
import type { Log } from "../log.ts";
import type { BufferPool } from "./buffer-pool.ts";

/** One push: by whom, to where. */
export interface Push {
  /** Of the token, for the log. */
  readonly by: string;
  readonly bucket: Bucket;
  readonly edge: Edge;
  readonly reads: ReadConfig;
  readonly writes: WriteConfig;
  readonly pool: BufferPool;
  readonly log: Log;
}
