/** A path, and from what Nix computed it. */
export interface ContentAddressedPath {
  readonly path: string;
  readonly contentAddress: string;
  readonly references: readonly string[];
}

/**
 * Paths of Nix 2.8.0: builtins.toFile (text), nix-store --add-fixed with and
 * without --recursive, and builds with ca-derivations, one of which refers to itself.
 */
export const CONTENT_ADDRESSED_PATHS: readonly ContentAddressedPath[] = [
  {
    path: "/nix/store/rbbirf40cy83k28qkv5hnc2xbyfvkl9r-flat.txt",
    contentAddress:
      "fixed:md5:5k3537sv5p3dmsj6l9n59sm9f9",
    references: [],
  },
  {
    path: "/nix/store/4387hfzv0npvnf4l4pqy8kvsmxp7100n-tree",
    contentAddress:
      "fixed:r:md5:3x9d23shb238hl1ga62lr6scwx",
    references: [],
  },
  {
    path: "/nix/store/nx622q72ynmrqd6sh7wzb6qggqm9hap4-tree",
    contentAddress:
      "fixed:r:sha1:c22vd2p3vh6zqjhc7y5awpdg1avm4ln0",
    references: [],
  },
  {
    path: "/nix/store/59w69024c8xcdrd5g1pq6iy0mr6y1lff-tree",
    contentAddress:
      "fixed:r:sha256:1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c",
    references: [],
  },
  {
    path: "/nix/store/hzhj1l49x6mshib502l40bfmriy1fakq-ca-self",
    contentAddress:
      "fixed:r:sha256:0znrr3riixpg5swvhf2y5lp2awyg28gia42hrkx9fiq8v72igl31",
    references: ["hzhj1l49x6mshib502l40bfmriy1fakq-ca-self", "z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep"],
  },
  {
    path: "/nix/store/jvirv8bfwgkniiwfjdr0gr58b7ik6fx7-ca-user",
    contentAddress:
      "fixed:r:sha256:0v05hf093qiz7ad6fl83l2rm7ahpj2ic1h6z79p6flqk6k4qq0nw",
    references: ["hzhj1l49x6mshib502l40bfmriy1fakq-ca-self"],
  },
  {
    path: "/nix/store/wf909z1lfsjnqpvnrmvnwzfrq020maqx-flat.txt",
    contentAddress:
      "fixed:r:sha256:1hz895vkrd9mfbmk89rj4i3ax1g1m3sbr4pqdwfa84bzbij5l27n",
    references: [],
  },
  {
    path: "/nix/store/n21y8s5wfwjkzyzvzfk7l58yaxznqhsr-tree",
    contentAddress:
      "fixed:r:sha512:37d5v6fjs3f6z55lllvwc1l65snqvy12i0yxlmzqvfg0ljq3pf8yp6wzh1brpvq1fgkv8mip5z4laxlknx7h3j6kqgqzr93xny0ccmg",
    references: [],
  },
  {
    path: "/nix/store/38clv6a2grhiakmlcsvqjb7s19p4xkz8-flat.txt",
    contentAddress:
      "fixed:sha1:pplp5izjnj9j7sbk2hwv7dkbswqf61yj",
    references: [],
  },
  {
    path: "/nix/store/rkf79g8l9nv68w00j1z80zjn9aw7szx3-flat.txt",
    contentAddress:
      "fixed:sha256:1xk2hhjr0f2n4adj1h688wlz59xpl86y1r8bd2pjasg8gy16mikb",
    references: [],
  },
  {
    path: "/nix/store/mf9xmvbl2w1zsnb8bd0qxrz1c0wdh6q9-flat.txt",
    contentAddress:
      "fixed:sha512:3rvcx0ivajks0jxxbw41351y2yhjm1zn16g86h4zqz2wri8x894ikiallfqb1c6nkkycb0xgfhrgkw6d1csgn78kwfkj2cy3dai4b4k",
    references: [],
  },
  {
    path: "/nix/store/agxmgsimp53gm2vspza5szan5qdi6pir-gamma",
    contentAddress:
      "text:sha256:0nxyr0hvxwd4gzqqm9lcik3i3880bqbifzysyin460frdsvd26n1",
    references: ["ndpavridxbpr74wr1llr3ns93fxpz68w-beta.txt", "ygq2xvxwjrz2qwzvqjcsk4vvha8f9c7v-alpha.txt"],
  },
  {
    path: "/nix/store/ndpavridxbpr74wr1llr3ns93fxpz68w-beta.txt",
    contentAddress:
      "text:sha256:1wq8rpx05k5flg8zvp3ddwybmhx8zif90k1lfpb5xyg7x22jw0km",
    references: ["ygq2xvxwjrz2qwzvqjcsk4vvha8f9c7v-alpha.txt"],
  },
  {
    path: "/nix/store/ygq2xvxwjrz2qwzvqjcsk4vvha8f9c7v-alpha.txt",
    contentAddress:
      "text:sha256:0hcgjbjjl6rcsxxrx8lnhm5cpp37iphimd9gndh8cdwxn50fhh5n",
    references: [],
  },
];

/** The tree of `fixed:r:sha256:1sz1…` in a store at another place: `local?store=/tmp/nixvec/alt/store`. */
export const OTHER_STORE_DIR = "/tmp/nixvec/alt/store";
export const PATH_IN_OTHER_STORE_DIR = "mrz8qxw498zamxj6gmmxg1wjqvsh67d1-tree";
