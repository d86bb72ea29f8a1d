import type { Reading } from "../read-back.ts";
import { createEngines, type Engines } from "./engine.ts";
import type { ContentsReader, NarContents } from "./nar-contents.ts";

/** What an isolate knows of the contents of NARs, by bucket, path and compression. */
export interface ContentsMemory {
  readonly known: Map<string, { readonly contents: NarContents; readonly at: number }>;
  readonly unfinished: Map<string, UnfinishedProof>;
  readonly engines: Engines;
}

/** A NAR that is unpacked in part. Another request goes on from there. */
export interface UnfinishedProof {
  readonly reading: Reading;
  readonly reader: ContentsReader;
  /** The NarSize for which it was begun. */
  readonly maxBytes: number;
  /** The time when it stopped, in milliseconds. */
  readonly at: number;
}

export function createContentsMemory(): ContentsMemory {
  return { known: new Map(), unfinished: new Map(), engines: createEngines() };
}
