import { describe, expect, it } from "vitest";
import { resendsEmptyBody } from "../../src/http/request-headers.ts";

// As filetransfer.cc writes them: "curl/<v> Nix/<v>[ suffix]", Lix "curl/<v> Lix/<v>",
// Determinate "curl/<v> Nix/<v> DeterminateNix/<v>".
describe("resendsEmptyBody", () => {
  it.each([
    { what: "Nix 1.11", userAgent: "curl/7.50.1 Nix/1.11", resends: true },
    { what: "Nix 2.3", userAgent: "curl/7.74.0 Nix/2.3", resends: true },
    { what: "Nix 2.8.0", userAgent: "curl/7.82.0 Nix/2.8.0", resends: true },
    { what: "Nix 2.32.4", userAgent: "curl/8.16.0 Nix/2.32.4", resends: true },
    { what: "Nix 2.33.1", userAgent: "curl/8.16.0 Nix/2.33.1", resends: true },
    {
      what: "Nix 2.33, a release without a patch",
      userAgent: "curl/8.16.0 Nix/2.33",
      resends: true,
    },
    {
      what: "a pre-release of 2.33.0",
      userAgent: "curl/8.16.0 Nix/2.33.0pre20251107_479b6b73",
      resends: true,
    },
    { what: "Nix 2.33.2", userAgent: "curl/8.16.0 Nix/2.33.2", resends: false },
    { what: "Nix 2.33.10", userAgent: "curl/8.16.0 Nix/2.33.10", resends: false },
    { what: "Nix 2.34.8", userAgent: "curl/8.17.0 Nix/2.34.8", resends: false },
    { what: "Nix 2.100", userAgent: "curl/8.17.0 Nix/2.100.0", resends: false },
    { what: "Nix 3.0", userAgent: "curl/8.17.0 Nix/3.0.1", resends: false },
    { what: "Nix 2.33.1 with a suffix", userAgent: "curl/8.16.0 Nix/2.33.1 ci", resends: true },
    {
      what: "Determinate Nix on 2.33.1",
      userAgent: "curl/8.16.0 Nix/2.33.1 DeterminateNix/3.15.1",
      resends: true,
    },
    {
      what: "Determinate Nix on 2.33.3",
      userAgent: "curl/8.16.0 Nix/2.33.3 DeterminateNix/3.16.0",
      resends: false,
    },
    { what: "Lix 2.93", userAgent: "curl/8.12.1 Lix/2.93.3", resends: false },
    { what: "curl", userAgent: "curl/8.12.1", resends: false },
    { what: "a name that ends so", userAgent: "PhoeNix/2.3", resends: false },
    { what: "no user agent", userAgent: null, resends: false },
    { what: "an empty user agent", userAgent: "", resends: false },
  ])("answers $resends for $what", ({ userAgent, resends }) => {
    expect(resendsEmptyBody(userAgent)).toBe(resends);
  });
});
