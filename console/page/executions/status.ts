import type { Tone } from '../parts/badge.tsx';

export function toneOfRun(status: string): Tone {
  if (status === 'SUCCEEDED') return 'good';
  return status === 'RUNNING' ? 'busy' : 'bad';
}

export function wordsOfRun(status: string): string {
  return status.toLowerCase().replace('_', ' ');
}
