import pc from 'picocolors';

// picocolors also colours where CI is set; here only a terminal is coloured.
const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;

export const colours = pc.createColors(coloured);

export const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value));
