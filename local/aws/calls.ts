/** How often each operation was called, as `service.operation`. */
export function createCalls() {
  const counts = new Map<string, number>();

  return {
    add(key: string): void {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    read(): Readonly<Record<string, number>> {
      return Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)));
    },
    clear(): void {
      counts.clear();
    },
  };
}

export type Calls = ReturnType<typeof createCalls>;
