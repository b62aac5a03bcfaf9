// sgnet: SimGrid 3.32 (S4U) peer measurement: ring all-reduce, all-to-all, random flow sets.
//   sgnet work=ring|ringc|a2a|a2ac|flows topo=ring|star|fattree n=N bytes=M bw=B/s lat=s [dep=both|recv]
//         [latmode=native|delay] [jitter=1] [seed=S nflows=F window=s out=PREFIX] [sgprec=1e-13] [-- simgrid --cfg options]
// Prints one CSV row on stdout (header with work=header). work=sizes n=N bytes=B jitter=J writes the flows of an all-to-all as
// flows.csv on stdout instead, so that another simulator can be given the same ones.
//   g++ -O2 -std=c++17 sgnet.cpp -lsimgrid -o sgnet
#include <simgrid/s4u.hpp>
#include <sys/resource.h>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <string>
namespace s4u = simgrid::s4u;
using Wall = std::chrono::steady_clock;

static std::map<std::string, std::string> A;
static std::string opt(const char* k, const char* d) { auto i = A.find(k); return i == A.end() ? d : i->second; }
static double num(const char* k, double d) { auto i = A.find(k); return i == A.end() ? d : std::stod(i->second); }

static std::vector<s4u::Host*> hosts;

// leaves x hosts-per-leaf of the two-level, full-bisection fat tree
static std::pair<unsigned, unsigned> ft_shape(unsigned n)
{
  switch (n) {
    case 8: return {2, 4};
    case 16: return {4, 4};
    case 64: return {8, 8};
    case 128: return {16, 8};
    case 384: return {24, 16};
    default: { unsigned h = 1; while ((h + 1) * (h + 1) <= n) h++; while (n % h) h--; return {n / h, h}; }
  }
}

static void platform(const std::string& topo, unsigned n, double bw, double lat)
{
  if (topo == "ring") { // unidirectional-pair ring: one link i->i+1 (full zone, neighbour routes only)
    auto* z = s4u::create_full_zone("ring");
    for (unsigned i = 0; i < n; i++) hosts.push_back(z->create_host("h" + std::to_string(i), 1e9)->seal());
    for (unsigned i = 0; i < n; i++) {
      auto* l = z->create_link("r" + std::to_string(i), bw)->set_latency(lat);
      z->add_route(hosts[i]->get_netpoint(), hosts[(i + 1) % n]->get_netpoint(), nullptr, nullptr,
                   {s4u::LinkInRoute(l)}, false);
    }
    z->seal();
  } else if (topo == "star") { // crossbar: each host has an up and a down link
    auto* z = s4u::create_star_zone("star");
    for (unsigned i = 0; i < n; i++) {
      auto* h = z->create_host("h" + std::to_string(i), 1e9)->seal();
      hosts.push_back(h);
      auto* up = z->create_link("up" + std::to_string(i), bw)->set_latency(lat);
      auto* dn = z->create_link("dn" + std::to_string(i), bw)->set_latency(lat);
      z->add_route(h->get_netpoint(), nullptr, nullptr, nullptr, {s4u::LinkInRoute(up)}, false);
      z->add_route(nullptr, h->get_netpoint(), nullptr, nullptr, {s4u::LinkInRoute(dn)}, false);
    }
    z->seal();
  } else if (topo == "fattree") { // two levels, full bisection, SimGrid's D-mod-k routing
    auto [leaves, hpl] = ft_shape(n);
    auto cb = [](s4u::NetZone* z, const std::vector<unsigned long>&, unsigned long id) {
      auto* h = z->create_host("h" + std::to_string(id), 1e9)->seal();
      hosts.push_back(h);
      return std::make_pair(h->get_netpoint(), (simgrid::kernel::routing::NetPoint*)nullptr);
    };
    unsigned spines = (unsigned)num("spines", hpl); // spines < hosts per leaf = oversubscribed
    s4u::create_fatTree_zone("ft", nullptr, {2, {hpl, leaves}, {1, spines}, {1, 1}}, s4u::ClusterCallbacks(cb), bw,
                             lat, s4u::Link::SharingPolicy::SPLITDUPLEX)->seal();
  } else { fprintf(stderr, "unknown topo %s\n", topo.c_str()); exit(2); }
}

static uint64_t nflows;
static double pathlat(s4u::Host* a, s4u::Host* b, unsigned h_lat_scale)
{ std::vector<s4u::Link*> r; double l; a->route_to(b, r, &l); return r.size() * num("lat", 5e-7) * h_lat_scale; }

// one actor per rank; step k: send a chunk to the right, receive one from the left
static void ring_rank(unsigned r, unsigned n, uint64_t chunk, bool both)
{
  auto* in  = s4u::Mailbox::by_name(std::to_string(r));
  auto* out = s4u::Mailbox::by_name(std::to_string((r + 1) % n));
  static int token; int* p;
  std::vector<s4u::CommPtr> pend;
  for (unsigned k = 0; k < 2 * (n - 1); k++) {
    auto rx = in->get_async<int>(&p);
    auto tx = out->put_async(&token, chunk);
    nflows++;
    rx->wait();
    if (both) tx->wait(); else pend.push_back(tx);
  }
  for (auto& c : pend) c->wait();
}
// the same exchange driven by one actor with one-sided comms, step by step (bulk synchronous)
static void ring_central(unsigned n, uint64_t chunk)
{
  std::vector<s4u::CommPtr> v(n);
  for (unsigned k = 0; k < 2 * (n - 1); k++) {
    for (unsigned i = 0; i < n; i++) { v[i] = s4u::Comm::sendto_async(hosts[i], hosts[(i + 1) % n], chunk); nflows++; }
    s4u::Comm::wait_all(v);
  }
}
static double jit; // jitter=1: flow sizes uniform in 0.5..1.5 x bytes, so that every completion is its own event and solve
static uint64_t a2a_size(unsigned i, unsigned s, uint64_t b)
{ if (jit == 0) return b; std::mt19937_64 g(i * 1000003ull + s); return (uint64_t)(b * (1 + jit * ((g() >> 11) * 0x1p-53 - 0.5))); }
static void a2a_rank(unsigned i, unsigned n, uint64_t bytes) // mailbox messages: cheap
{
  static int token; std::vector<int*> p(n);
  std::vector<s4u::CommPtr> v; v.reserve(2 * (n - 1));
  auto* in = s4u::Mailbox::by_name(std::to_string(i));
  for (unsigned s = 1; s < n; s++) v.push_back(in->get_async<int>(&p[s]));
  for (unsigned s = 1; s < n; s++) { v.push_back(s4u::Mailbox::by_name(std::to_string((i + s) % n))->put_async(&token, a2a_size(i, s, bytes))); nflows++; }
  s4u::Comm::wait_all(v);
}
static void a2a_central(unsigned n, uint64_t bytes) // one-sided comms: SimGrid 3.32 keeps them in one list of the maestro, so quadratic
{
  std::vector<s4u::CommPtr> v; v.reserve((size_t)n * (n - 1));
  for (unsigned s = 1; s < n; s++)
    for (unsigned i = 0; i < n; i++) { v.push_back(s4u::Comm::sendto_async(hosts[i], hosts[(i + s) % n], bytes)); nflows++; }
  s4u::Comm::wait_all(v);
}

struct Flow { unsigned s, d; uint64_t b; double t0, t1; };
static std::vector<Flow> flows;
static void one_flow(unsigned i, double extra)
{
  Flow& f = flows[i];
  s4u::this_actor::sleep_until(f.t0);
  if (extra > 0) s4u::this_actor::sleep_for(extra);
  s4u::Comm::sendto(hosts[f.s], hosts[f.d], f.b);
  f.t1 = s4u::Engine::get_clock(); nflows++;
}

int main(int argc, char** argv)
{
  s4u::Engine e(&argc, argv); // consumes --cfg=... and --log=...
  for (int i = 1; i < argc; i++) { std::string s(argv[i]); auto p = s.find('='); if (p != s.npos) A[s.substr(0, p)] = s.substr(p + 1); }
  std::string work = opt("work", "ring"), topo = opt("topo", "star"), latmode = opt("latmode", "native");
  if (work == "header") { puts("work,topo,n,bytes,bw,lat,dep,latmode,flows,sim_time_s,expected_s,rel_err,build_s,run_s,wall_s,cpu_s,maxrss_mb"); return 0; }
  unsigned n = (unsigned)num("n", 8);
  double bytes = num("bytes", 1e6), bw = num("bw", 50e9), lat = num("lat", 5e-7);
  bool both = opt("dep", "both") == "both", plain = opt("cfg", "pure") == "pure";
  if (plain) {
    e.set_config("network/model:CM02");      e.set_config("network/crosstraffic:0");
    e.set_config("network/bandwidth-factor:1"); e.set_config("network/latency-factor:1");
    e.set_config("network/weight-S:0");      e.set_config("network/TCP-gamma:" + opt("gamma", "1e30"));
    e.set_config("surf/precision:" + opt("sgprec", "1e-13"));
    if (A.count("mmprec")) e.set_config("maxmin/precision:" + A["mmprec"]);
  }
  if (work == "sizes") {
    jit = num("jitter", 0);
    puts("flow,src,dst,bytes,start_s");
    for (unsigned k = 0, i = 0; i < n; i++)
      for (unsigned s = 1; s < n; s++, k++)
        printf("%u,%u,%u,%llu,0\n", k, i, (i + s) % n, (unsigned long long)a2a_size(i, s, (uint64_t)bytes));
    return 0;
  }
  auto w0 = Wall::now();
  platform(topo, n, bw, latmode == "native" ? lat : 0.0);
  auto w1 = Wall::now();
  double expect = NAN; uint64_t chunk = (uint64_t)std::ceil(bytes / n);
  if (work == "ring" || work == "ringc") {
    double h = 0; for (unsigned i = 0; i < n; i++) h = std::max(h, pathlat(hosts[i], hosts[(i + 1) % n], 1));
    expect = 2.0 * (n - 1) * (h + chunk / bw);
    if (work == "ring") for (unsigned i = 0; i < n; i++) s4u::Actor::create("r" + std::to_string(i), hosts[i], ring_rank, i, n, chunk, both);
    else s4u::Actor::create("c", hosts[0], ring_central, n, chunk);
  } else if (work == "a2a" || work == "a2ac") { // bytes = size of each flow
    expect = (n - 1) * bytes / bw + (latmode == "native") * pathlat(hosts[0], hosts[1], 1); // busiest host link, first bytes over the shortest path
    jit = num("jitter", 0); if (jit > 0) expect = NAN;
    if (work == "a2ac") s4u::Actor::create("c", hosts[0], a2a_central, n, (uint64_t)bytes);
    else for (unsigned i = 0; i < n; i++) s4u::Actor::create("a", hosts[i], a2a_rank, i, n, (uint64_t)bytes);
  } else if (work == "flows") {
    std::mt19937_64 g((uint64_t)num("seed", 1));
    auto u = [&g] { return (g() >> 11) * 0x1p-53; };
    unsigned f = (unsigned)num("nflows", 200);
    for (unsigned i = 0; i < f; i++) {
      unsigned s = g() % n, d = (s + 1 + g() % (n - 1)) % n;
      uint64_t b = (uint64_t)std::exp(std::log(1e5) + u() * std::log(1e3)); // 100 kB .. 100 MB, log-uniform
      double t0 = std::floor(u() * num("window", 5e-3) * 1e9) * 1e-9;
      flows.push_back({s, d, b, t0, 0});
    }
    for (unsigned i = 0; i < f; i++)
      s4u::Actor::create("f", hosts[flows[i].s], one_flow, i,
                         latmode == "delay" ? pathlat(hosts[flows[i].s], hosts[flows[i].d], 1) : 0.0);
  } else { fprintf(stderr, "unknown work\n"); return 2; }
  e.run();
  auto w2 = Wall::now();
  auto sec = [](auto a, auto b) { return std::chrono::duration<double>(b - a).count(); };
  if (work == "flows") {
    std::string o = opt("out", "flowset");
    FILE* fp = fopen((o + "_links.csv").c_str(), "w"); fprintf(fp, "link,bandwidth_Bps,latency_s\n");
    for (auto* l : e.get_all_links()) if (l->get_name() != "__loopback__") fprintf(fp, "%s,%.17g,%.17g\n", l->get_cname(), l->get_bandwidth(), lat);
    fclose(fp);
    fp = fopen((o + "_flows.csv").c_str(), "w"); fprintf(fp, "flow,src,dst,bytes,start_s,finish_s\n");
    FILE* rp = fopen((o + "_routes.csv").c_str(), "w"); fprintf(rp, "flow,hop,link\n");
    for (unsigned i = 0; i < flows.size(); i++) {
      auto& f = flows[i];
      fprintf(fp, "%u,%u,%u,%lu,%.17g,%.17g\n", i, f.s, f.d, (unsigned long)f.b, f.t0, f.t1);
      std::vector<s4u::Link*> r; double l; hosts[f.s]->route_to(hosts[f.d], r, &l);
      for (unsigned k = 0; k < r.size(); k++) fprintf(rp, "%u,%u,%s\n", i, k, r[k]->get_cname());
    }
    fclose(fp); fclose(rp);
  }
  rusage ru; getrusage(RUSAGE_SELF, &ru);
  double t = s4u::Engine::get_clock();
  printf("%s,%s,%u,%.0f,%g,%g,%s,%s,%lu,%.12g,%.12g,%.2e,%.4f,%.4f,%.4f,%.3f,%.1f\n", (jit > 0 ? work + "-jitter" : work).c_str(), topo.c_str(), n, bytes, bw, lat,
         both ? "both" : "recv", latmode.c_str(), (unsigned long)nflows, t, expect, (t - expect) / expect, sec(w0, w1), sec(w1, w2),
         sec(w0, w2),
         ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + 1e-6 * (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec), ru.ru_maxrss / 1024.0);
  return 0;
}
