/**
 * Realisations as Nix 2.8.0 wrote them with `nix copy`, after builds with
 * ca-derivations and `--option secret-key-files` (the first of ./keys.ts).
 */

/** Signed, with a dependency. */
export const REALISATION_SIGNED =
  '{"dependentRealisations":{"sha256:e2141946db8641f5c29c2a51c6f5c0a8adc73cca47cc5bc8711a6edd5b573957!out":"s7nb52xq117n3514379dr7593f06h00f-signed-self"},"id":"sha256:a5469b448ffbec065f5b73cd1670e2a9015966d16d0a078b082839265d5128ae!out","outPath":"syx3p5nhlcyvixg2dmvkzk2y5m0g7k6r-signed-user","signatures":["nargate-test-1:EAjApz6P88kmOpSWya/D76MKyjQ3aoh1nyfXrcEg9SHlcjP6/I8H6yeOMPVk6HNh1XthEvseXD5dfMWPgNsCCA=="]}';

/** Unsigned, without dependencies: those of an input-addressed output. */
export const REALISATION_UNSIGNED =
  '{"dependentRealisations":{},"id":"sha256:00b851513f5c58e264a751c12c2cda4ea5422f951c14c49330bab04fdd208106!out","outPath":"z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep","signatures":[]}';

/** Of the output "doc" of the first. */
export const REALISATION_DOC =
  '{"dependentRealisations":{},"id":"sha256:a5469b448ffbec065f5b73cd1670e2a9015966d16d0a078b082839265d5128ae!doc","outPath":"dc4wisr022lhvcilsdbh8q14s821x4rb-signed-user-doc","signatures":["nargate-test-1:IRdSVGBbDUL1RLIS/2ziP9s/yQuZD+jZsMrX9SO5lV041FYmUmSZxicJ+3WRzZfLn4qhFcmEelh6pKuvsCnPCg=="]}';

/**
 * Build trace entries of Nix 2.36: src/libstore-tests/data/realisation
 * (unkeyed-*.json as Nix dumps it, *-fingerprint.txt, *-sig.json), and the key
 * in src/libstore-tests/realisation.cc that signs them.
 */
export const BUILD_TRACE_KEY = {
  drvPath: "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar.drv",
  outputName: "foo",
};
export const BUILD_TRACE_SIMPLE =
  '{"outPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo","signatures":[]}';
export const BUILD_TRACE_SIMPLE_FINGERPRINT =
  '{"key":{"drvPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar.drv","outputName":"foo"},"value":{"outPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo"}}';
export const BUILD_TRACE_SIMPLE_SIGNATURE =
  "test-key:WsjxK4/EI74COtzMDI+VCjQU9O4FydK0+YeY1CE5hUevogd+T+CPvNXza7oog3GTMS+ZlBwsC2S3ppwusKnJDg==";
export const BUILD_TRACE_SIGNED =
  '{"outPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv","signatures":[{"keyName":"asdf","sig":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}]}';
export const BUILD_TRACE_SECRET_KEY =
  "test-key:tU7tTvLcScf8pmz/eTV0BEtLmRsPpZfKaRcd0nCN+pysBZPHSeg61/u2oc7mIOewfuAY1V1BiX32homTaDJ2Jw==";
