import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import picocolors from 'picocolors';
import { startEngine } from './engine.ts';
import { defaultAsyncConcurrency } from './lambda/async-invocation.ts';
import { formatActivity, formatReady, formatStart } from './output.ts';
import { defaultDataFolder, StateError, toStateError } from './state.ts';

/** `npm start`: runs the engine until SIGTERM or SIGINT. */

const options = new Command('npm start --')
  .description('Runs the whole bridge on this machine, with a simulator instead of LiveChat.')
  .option('--port <number>', 'port of the webhook and the console (0 selects a free port)', parsePort, 3000)
  .option('--aws-port <number>', 'port of the AWS APIs', parsePort, 4566)
  .option('--livechat-port <number>', 'port of the LiveChat simulator', parsePort, 4600)
  .option('--data <folder>', 'folder that stores all data between two runs (default: .livechat in the project)')
  .addOption(new Option('--memory', 'store nothing: start empty, and discard all data on exit').conflicts('data'))
  .option(
    '--async-retry-delay <ms>',
    'delay before the first retry of a failed function; the second waits twice as long',
    parseDelay,
    1000,
  )
  .option(
    '--async-concurrency <number>',
    'maximum number of concurrent asynchronous invocations; 1 processes events sequentially',
    parseConcurrency,
    defaultAsyncConcurrency,
  )
  .option(
    '--machine-retry-delay <ms>',
    "delay before each retry of the state machine, instead of the definition's",
    parseDelay,
  )
  .option('--json', 'print one line of JSON when ready, and everything else to stderr', false)
  .addOption(
    new Option('--inspect [port]', 'open a port for a debugger of the functions, and set their timeouts to 15 minutes')
      .preset('9229')
      .argParser(parsePort),
  )
  .option('--verbose', "print the functions' own log as well", false)
  .parse()
  .opts();

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('It must be a port: a whole number from 0 to 65535.');
  }
  return Number(text);
}

function parseConcurrency(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
  return Number(text);
}

function parseDelay(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of milliseconds.');
  return Number(text);
}

const output = options.json ? process.stderr : process.stdout;
const colors = picocolors.createColors(output.isTTY === true && picocolors.isColorSupported);

const printDelayMs = 10;
const lines: string[] = [];

/** Prints with the lines of the next milliseconds: under load, a write for each line takes a tenth of the engine's time. */
function print(line: string): void {
  if (lines.push(line) === 1) setTimeout(printLines, printDelayMs);
}

function printLines(): void {
  if (lines.length > 0) output.write(`${lines.splice(0).join('\n')}\n`);
}

const dataFolder = options.memory ? undefined : resolve(options.data ?? defaultDataFolder);

async function run(): Promise<void> {
  process.once('exit', printLines);
  const engine = await startEngine({
    port: options.port,
    awsPort: options.awsPort,
    livechatPort: options.livechatPort,
    dataFolder,
    asyncRetryDelayMs: options.asyncRetryDelay,
    asyncConcurrency: options.asyncConcurrency,
    machineRetryDelayMs: options.machineRetryDelay,
    inspectPort: options.inspect,
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
  if (process.env.npm_lifecycle_event === 'start') onParentExit(() => void stop());
  engine.subscribe((activity) => print(formatActivity(activity, colors)));
  print(formatStart({ ...engine, dataFolder }, colors));
  if (options.json) process.stdout.write(`${formatReady(engine.addresses)}\n`);
}

/** npm passes a signal to the shell that it started, and not every shell passes it on: the engine would outlive `npm start`. */
function onParentExit(stop: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 250);
  timer.unref();
}

/** Prints an error of the data folder as one line with the fix, and other errors with `describe`. */
function fail(failure: unknown, describe: (error: Error) => string | undefined): void {
  const error = dataFolder === undefined ? failure : toStateError(failure, dataFolder);
  const text = error instanceof StateError ? error.message : error instanceof Error ? describe(error) : String(error);
  // The error is the last line.
  printLines();
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

// Any write can fail if the disk is full. The next start continues from the stored state.
process.on('uncaughtException', (failure) => fail(failure, ({ stack }) => stack));

run().catch((failure: unknown) => fail(failure, ({ message }) => message));
