import { region, service } from '../stage.ts';
import { columns, type Graph } from './columns.ts';

const width = 6;
const height = { text: 2, graph: 6 };

function graphOf({ title, metrics: shown, statistic = 'Sum' }: Graph) {
  const rows = shown.map(({ namespace, name, dimensions, label }) => [
    namespace,
    name,
    ...Object.entries(dimensions).flat(),
    { label: label ?? name },
  ]);
  return { title, region, view: 'timeSeries', stat: statistic, period: 60, metrics: rows };
}

export function createDashboard(): void {
  const widgets = columns.flatMap(({ title, text, graphs }, column) => [
    {
      type: 'text',
      x: column * width,
      y: 0,
      width,
      height: height.text,
      properties: { markdown: `## ${title}\n${text}` },
    },
    ...graphs.map((graph, row) => ({
      type: 'metric',
      x: column * width,
      y: height.text + row * height.graph,
      width,
      height: height.graph,
      properties: graphOf(graph),
    })),
  ]);
  new aws.cloudwatch.Dashboard('Dashboard', {
    dashboardName: service,
    dashboardBody: $jsonStringify({ widgets }),
  });
}
