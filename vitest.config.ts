import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { readFuzzSettings } from "./testkit/node/fuzz-settings.ts";

/**
 * Two runtimes, one run: what runs in Node is tested in Node, what runs in the
 * worker is tested in workerd, and `src/nix`, which runs in both, in both.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["test/{bench,nix,s3-server,cli,cost,start,action}/**/*.test.ts"],
          environment: "node",
        },
      },
      {
        test: {
          // The real `nix` against the real worker in workerd.
          name: "client",
          include: ["test/client/**/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => {
            const bucket = inject("fakeB2");
            return {
              wrangler: { configPath: "./wrangler.toml" },
              remoteBindings: false,
              miniflare: {
                bindings: {
                  B2_ENDPOINT: bucket.endpoint,
                  B2_KEY_ID: bucket.keyId,
                  B2_APPLICATION_KEY: bucket.secret,
                },
              },
            };
          }),
        ],
        test: {
          name: "workerd",
          globalSetup: ["test/setup/fake-b2-global.ts"],
          provide: readFuzzSettings(process.env),
          include: ["test/**/*.test.ts"],
          exclude: ["test/{bench,s3-server,cli,cost,start,action,client}/**"],
        },
      },
    ],
  },
});
