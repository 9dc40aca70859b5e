/**
 * How a function is bundled, in esbuild's terms: ESM for Node 24, minified, with what is imported on demand in files of its
 * own, so that a cold start reads only what it needs.
 */
export const bundling = {
  bundle: true,
  splitting: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  alias: { 'node:http': './stacks/build/lean-http.ts' },
  // Some dependencies still call require() for Node's own modules.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
} as const;
