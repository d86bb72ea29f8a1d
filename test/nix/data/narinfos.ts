/**
 * Narinfos as Nix 2.8.0 wrote them, byte for byte: `nix copy --to file://…`
 * from a store with paths of builtins.toFile, nix-store --add and tiny builds.
 */

/** A text path with references, xz, signed: `nix copy --to 'file://…?compression=xz&secret-key=…'`. */
export const NARINFO_XZ_TEXT_CA = `StorePath: /nix/store/agxmgsimp53gm2vspza5szan5qdi6pir-gamma
URL: nar/0ldja9z3nj04f60vqyn98dmrykngp00m3nqyrlr3m4kmvl4bvdxh.nar.xz
Compression: xz
FileHash: sha256:0ldja9z3nj04f60vqyn98dmrykngp00m3nqyrlr3m4kmvl4bvdxh
FileSize: 212
NarHash: sha256:0p0sl8qzlmyjryzxxmdyr8mfmm9qhv52iz5a9prnndrwivgiwrd3
NarSize: 224
References: ndpavridxbpr74wr1llr3ns93fxpz68w-beta.txt ygq2xvxwjrz2qwzvqjcsk4vvha8f9c7v-alpha.txt
Sig: nargate-test-1:WSpKyNdqBTcKtzQDmMI3kHZpWOgWj+z8Q9ZRff/PfDM0sys8gn4NCPexVVJb1f/q6y4CaKwuQtA9uqFIkPQLBw==
CA: text:sha256:0nxyr0hvxwd4gzqqm9lcik3i3880bqbifzysyin460frdsvd26n1
`;

/** Added by `nix-store --add`, zstd, unsigned, no references. */
export const NARINFO_ZSTD_NO_REFERENCES = `StorePath: /nix/store/59w69024c8xcdrd5g1pq6iy0mr6y1lff-tree
URL: nar/0cfpv112rqas9d5gklkgja0y7jp6by1kgwl280qh5ivnw4masmjw.nar.zst
Compression: zstd
FileHash: sha256:0cfpv112rqas9d5gklkgja0y7jp6by1kgwl280qh5ivnw4masmjw
FileSize: 223
NarHash: sha256:1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c
NarSize: 872
References: 
CA: fixed:r:sha256:1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c
`;

/** Input-addressed, uncompressed, referring to itself, one signature. */
export const NARINFO_NONE_SELF_REFERENCE = `StorePath: /nix/store/gf9v1biwnaggkpf9fanzlncj8fd9gwhv-self-1.0
URL: nar/0ppkx47zlcxm4znr31fa4p7rdfsx2yb2bswn9l3kmj4arp3hr23r.nar
Compression: none
FileHash: sha256:0ppkx47zlcxm4znr31fa4p7rdfsx2yb2bswn9l3kmj4arp3hr23r
FileSize: 216
NarHash: sha256:0ppkx47zlcxm4znr31fa4p7rdfsx2yb2bswn9l3kmj4arp3hr23r
NarSize: 216
References: gf9v1biwnaggkpf9fanzlncj8fd9gwhv-self-1.0 z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep
Deriver: ywdj33qhl0k56g59ali18dg9vm4r3fzw-self-1.0.drv
Sig: nargate-test-1:CehImf31A61hSHnVAwwwUAbeUIaIwrO9WN5vS0Kv1daIPkCLWES7n+vbuhE+Kwxk3T7Do9ImYzzAJxvvZf6bDg==
`;

/** The same path, bzip2, signed by both keys with `nix store sign`. */
export const NARINFO_BZIP2_TWO_SIGNATURES = `StorePath: /nix/store/gf9v1biwnaggkpf9fanzlncj8fd9gwhv-self-1.0
URL: nar/0m5ndk7b65j1wbdm5d6crh693j9i49pigldxjxvymzbc4j5qw9yl.nar.bz2
Compression: bzip2
FileHash: sha256:0m5ndk7b65j1wbdm5d6crh693j9i49pigldxjxvymzbc4j5qw9yl
FileSize: 177
NarHash: sha256:0ppkx47zlcxm4znr31fa4p7rdfsx2yb2bswn9l3kmj4arp3hr23r
NarSize: 216
References: gf9v1biwnaggkpf9fanzlncj8fd9gwhv-self-1.0 z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep
Deriver: ywdj33qhl0k56g59ali18dg9vm4r3fzw-self-1.0.drv
Sig: nargate-test-1:CehImf31A61hSHnVAwwwUAbeUIaIwrO9WN5vS0Kv1daIPkCLWES7n+vbuhE+Kwxk3T7Do9ImYzzAJxvvZf6bDg==
Sig: nargate-test-2:bHZaUIB7rk4gvXTvAqEMp+IYc3aOn0A3Spt265C8IrXNAOdNmFRUYJCrzMoPMoPjF4ZDDRbUrozjMf3Vr+i4BA==
`;

/** With the field System, which Nix 2.8 writes if it read it, rewritten by `nix store sign`; content-addressed with a reference to itself. */
export const NARINFO_SYSTEM = `StorePath: /nix/store/hzhj1l49x6mshib502l40bfmriy1fakq-ca-self
URL: nar/0h7fsrg9njaif2inn398g1xgvc68xvpmqi9q76p4919pc51vi7hy.nar
Compression: none
FileHash: sha256:0h7fsrg9njaif2inn398g1xgvc68xvpmqi9q76p4919pc51vi7hy
FileSize: 216
NarHash: sha256:0h7fsrg9njaif2inn398g1xgvc68xvpmqi9q76p4919pc51vi7hy
NarSize: 216
References: hzhj1l49x6mshib502l40bfmriy1fakq-ca-self z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep
Deriver: 53gh269j81aab0yaz2s9cs41ilz975hh-ca-self.drv
System: x86_64-linux
Sig: nargate-test-1:vcMYkkdDugMS5dNu66HEGBrXbueQdH9+nBsNvrCr6W+Mswo3DtwKjw6K8cXOOi3qc3lm7+rzaWMQaFz1gtwlCw==
Sig: nargate-test-2:TY9B6li7mcYwb7AZ/YPRvtSK4PZK0UHY0gcCbF9a7QapgJ5buQOj1PyRYoGnSrnlckKZKe9PA8GWdDfOQezXAg==
CA: fixed:r:sha256:0znrr3riixpg5swvhf2y5lp2awyg28gia42hrkx9fiq8v72igl31
`;

/** Built with ca-derivations. */
export const NARINFO_CA_USER = `StorePath: /nix/store/jvirv8bfwgkniiwfjdr0gr58b7ik6fx7-ca-user
URL: nar/0v05hf093qiz7ad6fl83l2rm7ahpj2ic1h6z79p6flqk6k4qq0nw.nar
Compression: none
FileHash: sha256:0v05hf093qiz7ad6fl83l2rm7ahpj2ic1h6z79p6flqk6k4qq0nw
FileSize: 168
NarHash: sha256:0v05hf093qiz7ad6fl83l2rm7ahpj2ic1h6z79p6flqk6k4qq0nw
NarSize: 168
References: hzhj1l49x6mshib502l40bfmriy1fakq-ca-self
Deriver: a6jrvfbc12gv2slv66gnd76magzbv7zy-ca-user.drv
Sig: nargate-test-1:w5SE+OTAKlhb1NBEOtBc2t7/QfQB9B+xyV7Cs1CXLt6w/5Wa+4ci65AKUbqf6/Q0cJ3sh8NVHk1xNy9euAtCAQ==
CA: fixed:r:sha256:0v05hf093qiz7ad6fl83l2rm7ahpj2ic1h6z79p6flqk6k4qq0nw
`;

export const NARINFOS: readonly { what: string; text: string }[] = [
  { what: "xz text ca", text: NARINFO_XZ_TEXT_CA },
  { what: "zstd no references", text: NARINFO_ZSTD_NO_REFERENCES },
  { what: "none self reference", text: NARINFO_NONE_SELF_REFERENCE },
  { what: "bzip2 two signatures", text: NARINFO_BZIP2_TWO_SIGNATURES },
  { what: "system", text: NARINFO_SYSTEM },
  { what: "ca user", text: NARINFO_CA_USER },
];
