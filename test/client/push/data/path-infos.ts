/**
 * One path in each format of `nix path-info --json`. The values come from
 * NixOS/nix 88b09c64, src/libstore-tests/data/path-info/json-{1,2,3}/impure.json.
 * The structure around them comes from src/nix/path-info.cc there, and from
 * `Store::pathInfoToJSON` of 2.18.9 (src/libstore/store-api.cc).
 */
const SIGNATURE_BYTES = `${"A".repeat(86)}==`;

const BAR = "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar";
const FOO = "n5wkd9frr45pa74if5gpz9j7mifg27fh-foo";

/** The fields of the path in formats of version 1. */
const FLAT = {
  ca: "fixed:r:sha256:1lr187v6dck1rjh2j6svpikcfz53wyl3qrlcbb405zlh13x0khhh",
  deriver: `/nix/store/${BAR}.drv`,
  narHash: "sha256-FePFYIlMuycIXPZbWi7LGEiMmZSX9FMbaQenWBzm1Sc=",
  narSize: 34878,
  references: [`/nix/store/${FOO}`, `/nix/store/${BAR}`],
  registrationTime: 23423,
  signatures: [`asdf:${SIGNATURE_BYTES}`, `qwer:${SIGNATURE_BYTES}`],
  ultimate: true,
};

const STRUCTURED = {
  ca: { hash: "sha256-EMIJ+giQ/gLIWoxmPKjno3zHZrxbGymgzGGyZvZBIdM=", method: "nar" },
  deriver: `${BAR}.drv`,
  narHash: FLAT.narHash,
  narSize: FLAT.narSize,
  references: [BAR, FOO],
  registrationTime: 23423,
  storeDir: "/nix/store",
  ultimate: true,
};

const STRUCTURED_SIGNATURES = ["asdf", "qwer"].map((keyName) => ({
  keyName,
  sig: SIGNATURE_BYTES,
}));

/** The expected result for every format. */
export const BAR_AS_READ = {
  path: { hash: BAR.slice(0, 32), name: "bar" },
  narSize: 34878,
  references: [
    { hash: BAR.slice(0, 32), name: "bar" },
    { hash: FOO.slice(0, 32), name: "foo" },
  ],
  deriver: { hash: BAR.slice(0, 32), name: "bar.drv" },
  signatures: FLAT.signatures,
  contentAddress: FLAT.ca,
  isUltimate: true,
};

export const SHAPES: readonly { readonly what: string; readonly json: unknown }[] = [
  {
    // In nix32, the output of `narHash.to_string(Base32)` in store-api.cc of 2.3.
    what: "the array of Nix 2.3",
    json: [
      {
        path: `/nix/store/${BAR}`,
        ...FLAT,
        narHash: "sha256:09ymwqf5i9q7d4dm7x4pjjcqqj0qrcp5lnznbh42gfsci5hcbqqm",
      },
    ],
  },
  {
    what: "the array of Nix 2.4 to 2.18",
    json: [{ path: `/nix/store/${BAR}`, valid: true, ...FLAT }],
  },
  { what: "the object of Nix 2.19 and later", json: { [`/nix/store/${BAR}`]: FLAT } },
  {
    what: "version 2, of Nix 2.33",
    json: {
      version: 2,
      storeDir: "/nix/store",
      info: { [BAR]: { ...STRUCTURED, version: 2, signatures: FLAT.signatures } },
    },
  },
  {
    what: "version 3, of Nix 2.35",
    json: {
      version: 3,
      storeDir: "/nix/store",
      info: { [BAR]: { ...STRUCTURED, version: 3, signatures: STRUCTURED_SIGNATURES } },
    },
  },
];

/** The output of Debian's Nix 2.8.0 for a file that was added with `nix-store --add`. */
export const PRINTED_BY_2_8 = `[{"path":"/nix/store/miacmq2d49l5qm1xgkpr982m3rd9ax08-a","narHash":"sha256-EFUdrtf6Rn0LWIJufrmg8q99aT3jGfLvd1//zaJEufY=","narSize":120,"references":[],"ca":"fixed:r:sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h","registrationTime":1795375844}]`;
