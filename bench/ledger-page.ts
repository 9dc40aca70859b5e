import { readFileSync, writeFileSync } from 'node:fs';
import { functions } from '../stacks/topology.ts';
import { isFunction } from '../test/bus-events.ts';
import { round2 } from './engine.ts';
import {
  type Counted,
  coldRows,
  countedFile,
  deferralRows,
  type Measurement,
  readCounted,
  rowOptions,
  textLengths,
  textRow,
} from './ledger.ts';
import {
  awsDollars,
  billedMs,
  comparedMb,
  inputs,
  invocationDollars,
  monthlyDollars,
  prices,
  readDurations,
  sampledShare,
  sumDollars,
} from './prices.ts';
import { combineUsage, type Usage } from './usage.ts';

const page = new URL('../docs/explanation/cost.md', import.meta.url);

export const readCostPage = (): string => readFileSync(page, 'utf8');

/** Writes what a run counted, and the tables of the page. */
export function writeLedger({ rows, customMetrics }: Measurement): void {
  const { alarmMetrics } = readCounted();
  const round = (used: Usage) => combineUsage(used, used, round2);
  const rounded = Object.fromEntries(Object.entries(rows).map(([row, used]) => [row, round(used)]));
  const counted = { rows: rounded, customMetrics, alarmMetrics };
  writeFileSync(countedFile, `${JSON.stringify(counted, undefined, 2)}\n`);
  writeFileSync(page, replaceTables(readCostPage(), counted));
}

/** The tables that the benchmark prints: dollars per million, counts, and the items of a text of 100 characters. */
export function ledgerTables({ rows, items }: Measurement) {
  const dollars = Object.entries(rows).map(([row, used]) => {
    const byService = awsDollars(used, rowOptions(row));
    const rounded = Object.entries(byService).map(([service, one]) => [service, round2(one * 1e6)]);
    return { row, total: round2(sumDollars(byService) * 1e6), ...Object.fromEntries(rounded) };
  });
  const counts = Object.entries(rows).map(([row, { invocations, ...used }]) => ({
    row,
    ...Object.fromEntries(Object.entries(used).map(([name, count]) => [name, round2(count)])),
    functions: Object.keys(invocations).join(' '),
  }));
  return { ledgerDollars: dollars, ledgerCounts: counts, ledgerItems: items };
}

/** Writes the tables of the page from the stored results of the last runs. */
export function writeCostPage(): void {
  writeFileSync(page, replaceTables(readCostPage(), readCounted()));
}

/** Replaces each table between `<!-- ledger:NAME -->` and `<!-- /ledger -->`. */
export function replaceTables(text: string, counted: Counted): string {
  const tables: Readonly<Record<string, string>> = {
    messages: dollarTable(messageRows, counted),
    counts: countTable(messageRows, counted),
    others: dollarTable(otherRows(counted), counted),
    otherCounts: countTable(otherRows(counted), counted),
    monthly: monthlyTable(counted),
    inputs: inputTable(),
    memory: memoryTable(),
  };
  return text.replaceAll(/(<!-- ledger:(\w+) -->\n)[\s\S]*?(<!-- \/ledger -->)/g, (_, start, name, end) => {
    const table = tables[name];
    if (table === undefined) throw new Error(`${page.pathname} has a table that is not generated: ${name}`);
    return `${start}\n${table}\n\n${end}`;
  });
}

const kinds = ['inbound', 'echo', 'sent'] as const;
const messageRows = kinds.flatMap((kind) => textLengths.map((length) => textRow(kind, length)));

function otherRows({ rows }: Counted): string[] {
  const first: string[] = [...deferralRows, ...coldRows];
  return [...first, ...Object.keys(rows).filter((row) => !first.includes(row) && !messageRows.includes(row))];
}

function dollarTable(rows: readonly string[], counted: Counted): string {
  const priced = rows.map((row) => {
    const used = rowUsage(counted, row);
    return { row, dollars: awsDollars(used, rowOptions(row)), liveChat: used.liveChatCalls * prices.liveChatCall };
  });
  const services = Object.keys(awsDollars(rowUsage(counted, messageRows[0] ?? ''))).filter((service) =>
    priced.some(({ dollars }) => perMillion(new Map(Object.entries(dollars)).get(service) ?? 0) !== '0.00'),
  );
  const cells = priced.map(({ row, dollars, liveChat }) => {
    const values = new Map(Object.entries(dollars));
    return [
      row,
      `**${perMillion(sumDollars(dollars))}**`,
      ...services.map((service) => perMillion(values.get(service) ?? 0)),
      perMillion(liveChat),
    ];
  });
  return toTable(['$ per million', 'AWS', ...services, 'LiveChat'], cells);
}

function countTable(rows: readonly string[], counted: Counted): string {
  const cells = rows.map((row) => {
    const used = rowUsage(counted, row);
    const { writeUnits, readUnits, busEvents, archivedBytes, transitions, secretReads, logBytes } = used;
    const invocations = Object.values(used.invocations).reduce((sum, count) => sum + count, 0);
    const counts = [writeUnits, readUnits, invocations, busEvents, archivedBytes, transitions, secretReads, logBytes];
    return [row, ...counts.map(formatCount)];
  });
  const units = ['write units', 'read units', 'invocations', 'events', 'archived bytes'];
  return toTable(['each', ...units, 'transitions', 'secret reads', 'log bytes'], cells);
}

function monthlyTable(counted: Counted): string {
  const rows = monthlyDollars(counted).map(({ what, dollars }) => [what, dollars.toFixed(2)]);
  return toTable(['$ per month', ''], rows);
}

function inputTable(): string {
  const { awsCallMs, liveChatCallMs, initMs, messagesPerSecond } = inputs;
  const sampled = [1, 10, 100].map((rate) => `$${perMillion(sampledShare(rate) * prices.trace)} at ${rate}/s`);
  return toTable(
    ['input', 'value'],
    [
      ['call to an AWS service', `${awsCallMs} ms`],
      ['call to LiveChat, for which `send` waits', `${liveChatCallMs} ms`],
      ['INIT phase of a cold start', `${initMs} ms`],
      [
        'load of the stage, for X-Ray',
        `${messagesPerSecond} messages a second; a million traces cost ${sampled.join(', ')}`,
      ],
    ],
  );
}

/** The durations and prices of each function at several memory sizes; the deployed one is bold. */
function memoryTable(): string {
  const rows = Object.entries(readDurations()).map(([name, duration]) => {
    const deployed = isFunction(name) ? functions[name].memoryMb : undefined;
    const cells = comparedMb.map((memoryMb) => {
      const ms = billedMs(duration, memoryMb);
      const cell = `${ms} ms, $${perMillion(invocationDollars(ms, memoryMb))}`;
      return memoryMb === deployed ? `**${cell}**` : cell;
    });
    return [name, String(duration.cpuMs), String(duration.awsCalls), ...cells];
  });
  return toTable(['function', 'CPU ms', 'AWS calls', ...comparedMb.map((mb) => `${mb} MB`)], rows);
}

function rowUsage({ rows }: Counted, row: string): Usage {
  const found = rows[row];
  if (!found) throw new Error(`the ledger has no row "${row}"`);
  return found;
}

const perMillion = (dollars: number): string => Math.max(0, dollars * 1e6).toFixed(2);

const formatCount = (count: number): string =>
  count >= 1000 ? Math.round(count).toLocaleString('en-US') : String(Math.max(0, Math.round(count * 10) / 10));

function toTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}
