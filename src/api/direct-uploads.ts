import {
  array,
  maxLength,
  minValue,
  number,
  object,
  pipe,
  regex,
  safeInteger,
  string,
} from "valibot";
import { notAnObject } from "./read-shape.ts";

const MIB = 1024 * 1024;

/**
 * Bytes. A larger NAR is uploaded in parts that go straight to the bucket. A NAR
 * up to this size is PUT through the gateway: one request instead of five.
 */
export const PART_SIZE_THRESHOLD_BYTES = 16 * MIB;

/** The most parts of one upload that S3 allows. */
export const MAX_S3_PARTS = 10_000;

/**
 * S3 allows 10,000 parts. The plan aims for at most 9,000, which leaves a margin
 * for a mistake in this arithmetic; the margin only costs slightly larger parts.
 */
export const MAX_PARTS = 9000;

/** Bytes. 1 TB: 9,000 parts of 106 MiB. */
export const MAX_NAR_BYTES = 1e12;

/** The most part URLs that one answer holds, and the most part numbers that one request names. */
export const MAX_PART_URLS = 100;

/**
 * Bytes. A larger NAR is sent by one signed PUT if the bucket proves its bytes. The requests
 * for that cost the gateway some 7 ms of CPU, and a PUT through it some 3 ms for each
 * megabyte (measured on one machine); the free plan of Workers allows 10 ms a request.
 */
export const SIGNED_THRESHOLD_BYTES = 2 * MIB;

/** Bytes. S3 allows 5 GB in one PUT, and in one copy. */
export const MAX_SIGNED_BYTES = 5e9;

const text = string("is not a text");
const count = pipe(
  number("is not a whole number"),
  safeInteger("is not a whole number"),
  minValue(1, "is not a whole number from 1 on"),
);

/** Body of `POST /api/v1/uploads` and `POST /api/v1/uploads/signed`. */
export const startUploadSchema = object(
  {
    /** SHA-256 of the compressed file, as 52 digits of nix32. */
    fileHash: pipe(text, regex(/^[0-9a-z]{52}$/, "is not 52 digits of nix32")),
    /** With its dot, as in the object's name; empty for an uncompressed NAR. */
    extension: text,
    /** Bytes of the compressed file. */
    size: count,
  },
  notAnObject,
);

/** Body of `POST /api/v1/uploads/{parts,abort,complete}`. */
export const uploadHandleSchema = object({ handle: text }, notAnObject);

/** Body of `POST /api/v1/uploads/urls`. */
export const signPartsSchema = object(
  {
    handle: text,
    /** Part numbers, counted from 1. */
    parts: pipe(
      array(count, "is not a list"),
      maxLength(MAX_PART_URLS, `is a list of more than ${MAX_PART_URLS} numbers`),
    ),
  },
  notAnObject,
);
