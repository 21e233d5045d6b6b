import { Head } from "../components/Card";

export default function Soon() {
  return (
    <div class="page">
      <Head title="Soon">This page is being built.</Head>
    </div>
  );
}
