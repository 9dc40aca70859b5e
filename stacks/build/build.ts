import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { functions } from '../topology.ts';
import { bundle } from './bundle.ts';

/** `npm run build:functions -- [folder]`: bundles every function for deployment. Default folder: dist/functions. */
const [folder] = process.argv.slice(2);
const outdir = folder ? resolve(folder) : join(import.meta.dirname, '..', '..', 'dist', 'functions');
await rm(outdir, { recursive: true, force: true });
for (const [name, { handler }] of Object.entries(functions)) {
  const { bytes } = await bundle(handler.replace(/\.handler$/, '.ts'), join(outdir, name));
  console.log(`${name.padEnd(20)} ${Math.round(bytes / 1024)} KB`);
}
