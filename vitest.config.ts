import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

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
          include: ["test/{nix,s3-server,cli,start}/**/*.test.ts"],
          environment: "node",
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            remoteBindings: false,
          }),
        ],
        test: {
          name: "workerd",
          globalSetup: ["test/setup/fake-b2-global.ts"],
          include: ["test/**/*.test.ts"],
          exclude: ["test/{s3-server,cli,start,client}/**"],
        },
      },
    ],
  },
});
