import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LambdaFunction } from '../local/lambda/invocation.ts';

export type TemporaryFunctions = Awaited<ReturnType<typeof writeFunctions>>;

/** For tests: writes one file per function, with the given body of `handler(event, context)`, into a temporary folder. */
export async function writeFunctions(bodies: Readonly<Record<string, string>>, timeoutSeconds = 5) {
  const root = await mkdtemp(join(tmpdir(), 'functions-'));
  await mkdir(join(root, 'functions'));
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  for (const [name, body] of Object.entries(bodies)) {
    const source = `export const handler = async (event: any, context: any) => {\n${body}\n};\n`;
    await writeFile(join(root, 'functions', `${name}.ts`), source);
  }
  const specs = Object.keys(bodies).map((name): [string, LambdaFunction] => [
    name,
    { handler: `functions/${name}.handler`, memoryMb: 512, timeoutSeconds },
  ]);
  return { root, functions: Object.fromEntries(specs), remove: (): Promise<void> => rm(root, { recursive: true }) };
}
