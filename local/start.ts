import picocolors from 'picocolors';
import { startEngine } from './engine.ts';
import { parseOptions } from './options.ts';
import { formatActivity, formatReady, formatStart } from './output.ts';

/** `npm start`: the engine until SIGTERM or SIGINT. */

const options = parseOptions(process.argv.slice(2));
const output = options.json ? process.stderr : process.stdout;
const colors = picocolors.createColors(output.isTTY === true && picocolors.isColorSupported);

function print(line: string): void {
  output.write(`${line}\n`);
}

async function run(): Promise<void> {
  const engine = await startEngine({
    port: options.port,
    awsPort: options.awsPort,
    livechatPort: options.livechatPort,
    asyncRetryDelayMs: options.asyncRetryDelay,
    ...(options.machineRetryDelay !== undefined && { machineDelays: { retryMs: options.machineRetryDelay } }),
    report: (message) => print(colors.yellow(message)),
    onLog: (line) => {
      if (options.verbose) print(colors.dim(line));
    },
  });
  const stop = async () => {
    await engine.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
  engine.subscribe((activity) => print(formatActivity(activity, colors)));
  print(formatStart(engine, colors));
  if (options.json) process.stdout.write(`${formatReady(engine.addresses)}\n`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
