/* Value in C: the class of value.py, and from outside the same.

   Read value.py first; this file has its names and its order. What is different is where the numbers stand. A Value of
   value.py holds two tuples, `operands` and `partials`; here up to two operands and their partials lie inside the
   object, more of them in one block, and a tuple is made when somebody looks. Operands come before their users, so nodes
   alone make no cycle, and they take no part in garbage collection. What can make one is a gradient that is itself a
   graph, of its own leaf, or an attribute of a subclass: `zero_grad`, or taking the attribute away, breaks it.

   Numbers are doubles. A graph may hold other kinds (the compiler's traced numbers, the exact numbers of the tests): for
   those, and for an operation whose rules are not here, the Python rules of the table run, as they do in value.py.

   The results are those of value.py to the bit, so the compiler must not fuse a multiplication with an addition
   (-ffp-contract=off). All of it runs under the interpreter's lock, which is why it is not built where there is none. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef _WIN32
#include <malloc.h>
#endif

/* ---------------------------------------------------------------- what a Value is */

typedef union {
    double number;
    PyObject *object;
} Number;

/* Where an operand stands there is its address, with the lowest bit set if no adjoint goes to it: a constant, or the
   branch of `where` that was not taken. A plain float has no address; it stands in the place of its partial. */
typedef uintptr_t Operand;
#define NO_ADJOINT ((Operand)1)
#define CONSTANT NO_ADJOINT
#define OBJECT_OF(operand) ((PyObject *)((operand) & ~NO_ADJOINT))

enum {
    OBJECT_DATA = 1,     /* data is no double */
    OBJECT_GRAD = 2,     /* grad is no double */
    OBJECT_PARTIALS = 4, /* the partials are no doubles (NULL for None), and no operand is a CONSTANT */
    HAS_GRAD = 8,        /* grad was computed or set; otherwise it is 0.0 */
    FROZEN = 16,         /* a leaf that takes no gradient */
    REACHED = 32,        /* used by `backward` while it looks for the order, as are the next two bits: */
    NEXT = 64,           /* times the number of the operand to look at next, of a node with at most two */
    UNTOUCHED = 256,     /* used where Python code runs: its adjoint is the −0.0 with which it began */
};

typedef struct {
    PyObject_HEAD
    Number data, grad;
    PyObject *extras; /* a dict, or NULL */
    union {
        struct {
            Operand operands[2];
            Number partials[2];
        } few;
        struct {
            Operand *operands; /* one block, behind the partials */
            Number *partials;
            uint32_t next; /* used by `backward` */
        } many;
    };
    uint32_t count;
    uint16_t op; /* the row of the table, by its place in `known`; 0 for a leaf */
    uint16_t state;
} Value; /* 80 bytes */

static inline Operand *operands_of(Value *v) { return v->count <= 2 ? v->few.operands : v->many.operands; }
static inline Number *partials_of(Value *v) { return v->count <= 2 ? v->few.partials : v->many.partials; }

/* What this file needs from the Python side, fetched once. */
static PyTypeObject *ValueType;
static PyTypeObject *NumberType;
static PyObject *PlainValue; /* the class in value.py */
static PyObject *UNSET;      /* the gradient that was never computed, told apart by identity */
static PyObject *as_float, *as_constant, *watch, *check_backward, *graph_is_off, *lock;
static PyObject *CUT; /* the extras of a result without a graph */
static PyObject *following, *checking, *locating, *recording; /* context variables of modes.py */
static PyObject *one, *minus_one; /* as Python's floats */
static PyObject *str_made, *str_check;
static PyObject *str_evaluate, *str_forward, *str_primitive, *str_partials, *str_apply, *str_name, *str_frozen;
static PyObject *str_acquire, *str_release;
static int active; /* how many modes are open, in all threads: modes.py says */

/* An operation, with its rules for doubles where they are here. */
typedef struct {
    const char *name;
    double (*one)(double x);
    double (*one_partial)(double y, double x);
    double (*two)(double a, double b);
    void (*two_partials)(double y, double a, double b, double *partials);
    double (*many)(const double *x, Py_ssize_t n);
    void (*many_partials)(double y, const double *x, Py_ssize_t n, double *partials);
    Py_ssize_t exactly; /* of `many`: how many operands it takes; 0 for any number */
    PyObject *op;
    uint16_t place; /* in `known` */
    size_t nodes;   /* of a row that is not in this file: how many nodes are of it */
} Row;

static Row **known;      /* the operations, by their places; the first are those of `rows` below */
static size_t own_count; /* how many those are */

/* ---------------------------------------------------------------- making and freeing */

/* Values lie in slabs, one behind the other in the order in which they are made, and the processor reads ahead when a graph
   is gone through in that order, or back. To keep it so, a slab that all its Values have left is begun from its start
   again, and one that some have left waits for the others, unless too many places stand empty. */
#define SLAB_BYTES ((size_t)1 << 18)
#define SPARE_SLABS 64 /* how many empty ones are kept for the next graph, at most: 16 MB */

typedef struct Slab {
    struct Slab *next, *previous; /* in the list in which it is */
    Value *freed;                 /* places that were left, linked through `grad` */
    uint32_t used, fresh;         /* how many Values there are, and how many places were ever taken */
    Value values[];
} Slab;
#define SLAB_VALUES ((SLAB_BYTES - sizeof(Slab)) / sizeof(Value))

static Slab *current;                /* where new Values go */
static Slab waiting = {.next = &waiting, .previous = &waiting}; /* a ring: some left; the first has waited longest */
static Slab *spare;                  /* all left */
static size_t spare_count, slab_count, value_count;

static void link_slab(Slab *slab) {
    slab->next = &waiting;
    slab->previous = waiting.previous;
    slab->previous->next = slab->next->previous = slab;
}

static void unlink_slab(Slab *slab) {
    slab->previous->next = slab->next;
    slab->next->previous = slab->previous;
}

/* Choose the slab for new Values, when the current one is full. */
static Slab *next_slab(void) {
    Slab *slab = spare;
    if (slab != NULL) {
        spare = slab->next;
        spare_count--;
    } else if (waiting.next != &waiting && slab_count * SLAB_VALUES > 2 * value_count + 8 * SLAB_VALUES) {
        slab = waiting.next;
        unlink_slab(slab);
    } else {
#ifdef _WIN32
        slab = _aligned_malloc(SLAB_BYTES, SLAB_BYTES);
#else
        slab = aligned_alloc(SLAB_BYTES, SLAB_BYTES);
#endif
        if (slab == NULL) return NULL;
        (void)PyTraceMalloc_Track(0, (uintptr_t)slab, SLAB_BYTES);
        slab_count++;
        slab->freed = NULL;
        slab->used = slab->fresh = 0;
    }
    return current = slab;
}

static void drop_slab(Slab *slab) {
    if (spare_count < SPARE_SLABS) {
        slab->next = spare;
        spare = slab;
        spare_count++;
        return;
    }
    (void)PyTraceMalloc_Untrack(0, (uintptr_t)slab);
    slab_count--;
#ifdef _WIN32
    _aligned_free(slab);
#else
    free(slab);
#endif
}

#ifndef WATCHED
static inline Value *take_place(void) {
    Slab *slab = current;
    if (slab == NULL || slab->used == SLAB_VALUES) {
        slab = next_slab();
        if (slab == NULL) return NULL;
    }
    Value *v = slab->freed;
    if (v != NULL) slab->freed = (Value *)v->grad.object;
    else v = &slab->values[slab->fresh++];
    slab->used++;
    value_count++;
    return v;
}

static inline void leave_place(Value *v) {
    Slab *slab = (Slab *)((uintptr_t)v & ~(SLAB_BYTES - 1));
    v->grad.object = (PyObject *)slab->freed;
    slab->freed = v;
    value_count--;
    if (slab->used-- == SLAB_VALUES && slab != current) link_slab(slab);
    if (slab->used) return;
    slab->freed = NULL;
    slab->fresh = 0;
    if (slab == current) return;
    unlink_slab(slab);
    drop_slab(slab);
}
#else /* for tools that watch each block of memory by itself */
static Value *take_place(void) { return PyObject_Malloc(sizeof(Value)); }
static void leave_place(Value *v) { PyObject_Free(v); }
#endif

static inline Value *new_value(void) {
    Value *v = take_place();
    if (v == NULL) return (Value *)PyErr_NoMemory();
    (void)PyObject_Init((PyObject *)v, ValueType);
    v->grad.number = 0.0;
    v->extras = NULL;
    v->count = v->op = v->state = 0;
    return v;
}

static int set_count(Value *v, Py_ssize_t count) {
    if (count > 2) {
        if ((size_t)count > UINT32_MAX) {
            PyErr_SetString(PyExc_OverflowError, "an operation takes at most 2**32 - 1 operands");
            return -1;
        }
        Number *block = PyMem_Malloc((size_t)count * (sizeof(Operand) + sizeof(Number)));
        if (block == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        v->many.partials = block;
        v->many.operands = (Operand *)(block + count);
    }
    v->count = (uint32_t)count;
    return 0;
}

/* Let go of the operands and partials of a node that nobody can look at meanwhile. */
static void release_operands(Value *v) {
    if (v->op > own_count) known[v->op]->nodes--;
    Operand *operands = operands_of(v);
    uint32_t count = v->count;
    for (uint32_t i = 0; i < count; i++) Py_XDECREF(OBJECT_OF(operands[i]));
    for (uint32_t i = 0; i < count && v->state & OBJECT_PARTIALS; i++) Py_XDECREF(partials_of(v)[i].object);
    if (count > 2) PyMem_Free(v->many.partials);
}

/* Make a leaf of a node. What is freed may run Python code, which finds the leaf. */
static void drop_operands(Value *v) {
    Value old = *v;
    v->count = v->op = 0;
    v->state &= ~OBJECT_PARTIALS;
    release_operands(&old);
}

/* A chain of a million nodes goes without recursion: what dies while another is being freed waits in a list, which is
   linked through `data`, or where that is an object, through `grad`. */
static void value_dealloc(PyObject *self) {
    static Value *dead;
    static int freeing;
    Value *v = (Value *)self;
    PyObject *both = (v->state & OBJECT_DATA) && (v->state & OBJECT_GRAD) ? v->grad.object : NULL;
    if (v->state & OBJECT_DATA) v->grad.object = (PyObject *)dead;
    else v->data.object = (PyObject *)dead;
    dead = v;
    Py_XDECREF(both);
    if (freeing) return;
    freeing = 1;
    while (dead != NULL) {
        v = dead;
        dead = (Value *)(v->state & OBJECT_DATA ? v->grad.object : v->data.object);
        if (v->state & OBJECT_DATA) Py_DECREF(v->data.object);
        else if (v->state & OBJECT_GRAD) Py_DECREF(v->grad.object);
        release_operands(v);
        Py_XDECREF(v->extras);
        PyTypeObject *type = Py_TYPE(v);
        if (type != ValueType)
            type->tp_free(v); /* a subclass */
        else
            leave_place(v);
        Py_DECREF(type);
    }
    freeing = 0;
}

/* ---------------------------------------------------------------- numbers in and out */

static inline int is_value(PyObject *x) { return Py_IS_TYPE(x, ValueType) || PyType_IsSubtype(Py_TYPE(x), ValueType); }
static inline int is_number(PyObject *x) { return PyType_IsSubtype(Py_TYPE(x), NumberType); }

static PyObject *get_data(Value *v) {
    return v->state & OBJECT_DATA ? Py_NewRef(v->data.object) : PyFloat_FromDouble(v->data.number);
}

static PyObject *get_grad(Value *v) {
    if (!(v->state & HAS_GRAD)) return Py_NewRef(UNSET);
    return v->state & OBJECT_GRAD ? Py_NewRef(v->grad.object) : PyFloat_FromDouble(v->grad.number);
}

/* Whether x is a plain real number, which is then stored as a double: a float, or an int that is none too large. */
static inline int is_real(PyObject *x, double *number) {
    if (PyFloat_Check(x)) {
        *number = PyFloat_AS_DOUBLE(x);
        return 1;
    }
    if (!PyLong_CheckExact(x)) return 0;
    *number = PyLong_AsDouble(x);
    if (*number != -1.0 || !PyErr_Occurred()) return 1;
    PyErr_Clear();
    return 0;
}

static void put_data(Value *v, PyObject *x) {
    PyObject *old = v->state & OBJECT_DATA ? v->data.object : NULL;
    double number;
    if (is_real(x, &number)) {
        v->data.number = number;
        v->state &= ~OBJECT_DATA;
    } else {
        v->data.object = Py_NewRef(x);
        v->state |= OBJECT_DATA;
    }
    Py_XDECREF(old);
}

static void put_grad(Value *v, PyObject *x) {
    PyObject *old = v->state & OBJECT_GRAD ? v->grad.object : NULL;
    double number;
    v->state &= ~(OBJECT_GRAD | HAS_GRAD | UNTOUCHED);
    if (x == UNSET || x == Py_None) { /* None: who comes from PyTorch resets a gradient in this way */
        v->grad.number = 0.0;
    } else if (is_real(x, &number)) {
        v->grad.number = number;
        v->state |= HAS_GRAD;
    } else {
        v->grad.object = Py_NewRef(x);
        v->state |= OBJECT_GRAD | HAS_GRAD;
    }
    Py_XDECREF(old);
}

/* Return a number that a Value may hold, a new reference: `_number` in value.py. */
static PyObject *number_from(PyObject *x) {
    if (PyFloat_CheckExact(x)) return Py_NewRef(x);
    if (!is_number(x)) return PyObject_CallOneArg(as_float, x);
    if (!is_value(x)) return Py_NewRef(x);
    PyErr_Format(PyExc_TypeError, "a Value holds a number, and %R is a Value already; use it as it is, or its .data", x);
    return NULL;
}

/* Give a Value a number that somebody outside named, which may be none. */
static int set_data(Value *v, PyObject *data) {
    PyObject *number = number_from(data);
    if (number == NULL) return -1;
    put_data(v, number);
    Py_DECREF(number);
    return 0;
}

/* Read an operand that is a double: a Value, or a constant. Return 0 for anything else, which goes the long way. */
static inline int take(PyObject *x, Operand *operand, double *number) {
    if (Py_IS_TYPE(x, ValueType)) {
        Value *v = (Value *)x;
        if (v->state & OBJECT_DATA) return 0;
        *operand = (Operand)x;
        *number = v->data.number;
        return 1;
    }
    *operand = CONSTANT;
    return is_real(x, number); /* an int that is too large is refused by as_float */
}

/* Put one operand of a node that is being made in its place. */
static inline void put(Operand *operands, Number *partials, Py_ssize_t i, Operand operand, double number, double partial) {
    operands[i] = operand;
    if (operand == CONSTANT) {
        partials[i].number = number;
    } else {
        partials[i].number = partial;
        Py_INCREF((PyObject *)operand);
    }
}

/* ---------------------------------------------------------------- the modes of modes.py */

static int is_on(PyObject *variable, PyObject *unless) {
    PyObject *setting;
    if (PyContextVar_Get(variable, NULL, &setting) < 0) return -1;
    Py_DECREF(setting);
    return setting != unless;
}

static PyObject *value_get_operands(PyObject *self, void *closure);

/* Show a node to who follows, as `Captured.see` does: it has a dict of the Values made so far, by identity. It is asked
   about the operands where one of them has a plain number, and was not made there. */
static int show(Value *node) {
    PyObject *captured, *made = NULL, *key = NULL;
    int plain = 0, failed = -1;
    if (PyContextVar_Get(following, NULL, &captured) < 0) return -1;
    if ((made = PyObject_GetAttr(captured, str_made)) == NULL) goto done;
    for (Py_ssize_t i = 0; i < node->count && !plain; i++) {
        PyObject *x = OBJECT_OF(operands_of(node)[i]);
        if (x == NULL || !is_value(x) || ((Value *)x)->state & OBJECT_DATA) continue;
        int known = (key = PyLong_FromVoidPtr(x)) == NULL ? -1 : PyDict_Contains(made, key);
        if (known < 0) goto done;
        plain = !known;
        Py_CLEAR(key);
    }
    if (plain) {
        PyObject *operands = value_get_operands((PyObject *)node, NULL), *nothing;
        nothing = operands == NULL ? NULL : PyObject_CallMethodOneArg(captured, str_check, operands);
        Py_XDECREF(operands);
        if (nothing == NULL) goto done;
        Py_DECREF(nothing);
    }
    if ((key = PyLong_FromVoidPtr(node)) != NULL) failed = PyDict_SetItem(made, key, (PyObject *)node);
done:
    Py_XDECREF(key), Py_XDECREF(made), Py_DECREF(captured);
    return failed;
}

/* Tell who follows of a leaf just made; he knows then that it is none from outside. */
static int show_leaf(Value *leaf) {
    int followed = active && is_on(following, Py_None);
    return PyErr_Occurred() || (followed && show(leaf) < 0) ? -1 : 0;
}

/* Hand out a node just made. While a mode is open somewhere, it may check the node, or cut off its graph. */
static PyObject *finished(Value *node) {
    if (!active) return (PyObject *)node;
    int off = is_on(recording, Py_True);
    int more = is_on(checking, Py_False) || is_on(locating, Py_False);
    if (PyErr_Occurred() || (!more && is_on(following, Py_None) && show(node) < 0)) {
        Py_DECREF(node);
        return NULL;
    }
    if (more) {
        PyObject *watched = PyObject_CallOneArg(watch, (PyObject *)node);
        Py_DECREF(node);
        return watched;
    }
    if (off) {
        drop_operands(node);
        if (node->extras == NULL) node->extras = Py_NewRef(CUT);
    }
    return (PyObject *)node;
}

/* ---------------------------------------------------------------- the rules of the table, for doubles

   Each is the rule of its row in ops.py, which has the sources. `where(c, a, b)` there is `c ? a : b` here. A result
   that is not a number is Python's nan, without a sign, where the C library gives one with a sign. */

static inline double real(double y, double x) { return y != y && x == x ? Py_NAN : y; }
static inline double larger(double a, double b) { return a > b ? a : a == a ? b : a; }
static inline double smaller(double a, double b) { return a < b ? a : a == a ? b : a; }
static inline double minus_size(double x) { return x >= 0.0 ? -x : x; }
static inline double within(double x, double bound) { return x > bound ? bound : x < -bound ? -bound : x; }
static inline double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }

static double divide(double x, double y) { return y == 0.0 && (x == 0.0 || x != x) ? Py_NAN : x / y; }
static void divide_partials(double y, double a, double b, double *p) {
    (void)a;
    p[0] = divide(1.0, b);
    p[1] = -divide(y, b);
}

static double power(double x, double n) {
    if (n == 2.0) return x * x;
    double y = pow(x, n);
    return y != y && x == x && n == n ? Py_NAN : y;
}

static double logarithm(double x) { return x > 0.0 || x != x ? log(x) : x == 0.0 ? -Py_HUGE_VAL : Py_NAN; }

static double power_by_base(double x, double n) {
    if (n == 0.0) return 0.0;
    double lower = n - 1.0, back = lower - n, error = (n - (lower - back)) - (1.0 + back), slope = n * power(x, lower);
    if (!(error > 0.0 || error < 0.0)) return slope;
    double safe = x > 0.0 ? (x < Py_HUGE_VAL ? x : 1.0) : 1.0;
    return slope * (1.0 + error * logarithm(safe));
}

static double power_by_exponent(double y, double x, double n) {
    return x == 0.0 && n >= 0.0 ? 0.0 : y * logarithm(x);
}

static void power_partials(double y, double x, double n, double *p) {
    p[0] = power_by_base(x, n);
    p[1] = power_by_exponent(y, x, n);
}

static double add(double a, double b) { return a + b; }
static double subtract(double a, double b) { return a - b; }
static double multiply(double a, double b) { return a * b; }
static void add_partials(double y, double a, double b, double *p) { (void)y, (void)a, (void)b, p[0] = p[1] = 1.0; }
static void subtract_partials(double y, double a, double b, double *p) { add_partials(y, a, b, p), p[1] = -1.0; }
static void multiply_partials(double y, double a, double b, double *p) { (void)y, p[0] = b, p[1] = a; }

static double negative(double x) { return -x; }
static double negative_partial(double y, double x) { return (void)y, (void)x, -1.0; }
static double same(double x) { return x; }
static double same_partial(double y, double x) { return (void)y, (void)x, 1.0; }
static double absolute(double x) { return fabs(x); }
static double abs_partial(double y, double x) { return (void)y, sign(x); }
static double square(double x) { return x * x; }
static double square_partial(double y, double x) { return (void)y, 2.0 * x; }
static double exponential(double x) { return exp(x); }
static double exp_partial(double y, double x) { return (void)x, y; }
static double exponential_less_1(double x) { return expm1(x); }
static double expm1_partial(double y, double x) { return (void)y, exp(x); }
static double log_partial(double y, double x) { return (void)y, divide(1.0, x); }
static double root(double x) { return real(sqrt(x), x); }
static double root_partial(double y, double x) { return (void)x, divide(0.5, y); }
static double sine(double x) { return real(sin(x), x); }
static double cosine(double x) { return real(cos(x), x); }
static double sine_partial(double y, double x) { return (void)y, cosine(x); }
static double cosine_partial(double y, double x) { return (void)y, -sine(x); }
static double hyperbolic_tangent(double x) { return tanh(x); }
static double hyperbolic_tangent_partial(double y, double x) {
    double z = exp(2.0 * minus_size(x));
    return (void)y, divide(4.0 * z, 1.0 + z * (2.0 + z));
}
static double sigmoid(double x) {
    double z = exp(minus_size(x));
    return divide(x >= 0.0 ? 1.0 : z, 1.0 + z);
}
static double sigmoid_partial(double y, double x) {
    double z = exp(minus_size(x));
    return (void)y, divide(z, 1.0 + z * (2.0 + z));
}
static double softplus(double x) { return (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x))); }
static double softplus_partial(double y, double x) { return (void)y, sigmoid(x); }
static double logsigmoid(double x) { return (x < 0.0 ? x : 0.0) - log1p(exp(-fabs(x))); }
static double logsigmoid_partial(double y, double x) { return (void)y, sigmoid(-x); }
static double silu(double x) { return (x < -1e3 ? -1e3 : x) * sigmoid(x); }
static double silu_partial(double y, double x) {
    double s = sigmoid(x);
    return (void)y, s * (1.0 + within(x, 1e3) * sigmoid(-x));
}
static double relu(double x) { return x <= 0.0 ? 0.0 : x; }
static double relu_partial(double y, double x) { return (void)y, x <= 0.0 ? 0.0 : 1.0; }

static double leaky_relu(double x, double slope) { return x > 0.0 ? x : slope * x; }
static void leaky_relu_partials(double y, double x, double slope, double *p) {
    (void)y;
    p[0] = x > 0.0 ? 1.0 : slope;
    p[1] = x > 0.0 ? 0.0 : x;
}
static double elu(double x, double alpha) { return x > 0.0 ? x : alpha * expm1(x); }
static void elu_partials(double y, double x, double alpha, double *p) {
    (void)y;
    p[0] = x > 0.0 ? 1.0 : alpha * exp(x);
    p[1] = x > 0.0 ? 0.0 : expm1(x);
}
static double share(double a, double b) { return a > b ? 1.0 : a == b ? 0.5 : 0.0; }
static void larger_partials(double y, double a, double b, double *p) { (void)y, p[0] = share(a, b), p[1] = share(b, a); }
static void smaller_partials(double y, double a, double b, double *p) { larger_partials(y, b, a, p); }
static double maximum(double a, double b) { return larger(a, b); }
static double minimum(double a, double b) { return smaller(a, b); }

static double where(const double *x, Py_ssize_t n) { return (void)n, x[0] != 0.0 ? x[1] : x[2]; }
static void where_partials(double y, const double *x, Py_ssize_t n, double *p) { /* `many` leaves out two of them */
    (void)y, (void)x, (void)n;
    p[0] = p[1] = p[2] = 1.0;
}
static double clip(const double *x, Py_ssize_t n) { return (void)n, smaller(larger(x[0], x[1]), x[2]); }
static void clip_partials(double y, const double *x, Py_ssize_t n, double *p) {
    (void)y, (void)n;
    double low = x[1], high = x[2];
    p[0] = x[0] < low ? 0.0 : x[0] > high ? 0.0 : 1.0;
    p[1] = x[0] < low ? (low > high ? 0.0 : 1.0) : 0.0;
    p[2] = (x[0] < low ? low : x[0]) > high ? 1.0 : 0.0;
}

static double total(const double *x, Py_ssize_t n) {
    double y = x[0];
    for (Py_ssize_t i = 1; i < n; i++) y += x[i];
    return y;
}
static void total_partials(double y, const double *x, Py_ssize_t n, double *p) {
    (void)y, (void)x;
    for (Py_ssize_t i = 0; i < n; i++) p[i] = 1.0;
}
static double mean(const double *x, Py_ssize_t n) { return divide(total(x, n), (double)n); }
static void mean_partials(double y, const double *x, Py_ssize_t n, double *p) {
    (void)y, (void)x;
    for (Py_ssize_t i = 0; i < n; i++) p[i] = 1.0 / (double)n;
}
static double product(const double *x, Py_ssize_t n) {
    double y = x[0];
    for (Py_ssize_t i = 1; i < n; i++) y *= x[i];
    return y;
}
/* The product of the factors before, times that of the factors after: no division, so a zero is no special case. */
static void product_partials(double y, const double *x, Py_ssize_t n, double *p) {
    double before = 1.0, after = 1.0;
    (void)y;
    for (Py_ssize_t i = 0; i < n; i++) {
        p[i] = before;
        before = i ? before * x[i] : x[i];
    }
    for (Py_ssize_t i = n; i-- > 0;) {
        p[i] *= after;
        after = i < n - 1 ? after * x[i] : x[i];
    }
}
static double dot(const double *x, Py_ssize_t n) { /* w1 … wn, x1 … xn, and the bias where the count is odd */
    Py_ssize_t half = n / 2, i = n % 2 ? 0 : 1;
    double y = n % 2 ? x[n - 1] : x[0] * x[half];
    for (; i < half; i++) y += x[i] * x[half + i];
    return y;
}
static void dot_partials(double y, const double *x, Py_ssize_t n, double *p) {
    Py_ssize_t half = n / 2;
    (void)y;
    for (Py_ssize_t i = 0; i < half; i++) {
        p[i] = x[half + i];
        p[half + i] = x[i];
    }
    if (n % 2) p[n - 1] = 1.0;
}

static double shift_of(const double *x, Py_ssize_t n) { /* the largest, held to the floats */
    double largest = x[0];
    for (Py_ssize_t i = 1; i < n; i++) largest = larger(largest, x[i]);
    return within(largest, DBL_MAX);
}
static double logsumexp(const double *x, Py_ssize_t n) {
    double shift = shift_of(x, n), y = exp(x[0] - shift);
    for (Py_ssize_t i = 1; i < n; i++) y += exp(x[i] - shift);
    return shift + logarithm(y);
}
static void logsumexp_partials(double y, const double *x, Py_ssize_t n, double *p) {
    double shift = shift_of(x, n), all;
    (void)y;
    for (Py_ssize_t i = 0; i < n; i++) p[i] = exp(x[i] - shift);
    all = total(p, n);
    for (Py_ssize_t i = 0; i < n; i++) p[i] = divide(p[i], all);
}
static double softmax(const double *x, Py_ssize_t n) {
    double shift = shift_of(x, n), first = exp(x[0] - shift), all = first;
    for (Py_ssize_t i = 1; i < n; i++) all += exp(x[i] - shift);
    return divide(first, all);
}
static void softmax_partials(double y, const double *x, Py_ssize_t n, double *p) {
    double rest = 0.0;
    (void)y;
    logsumexp_partials(y, x, n, p);
    for (Py_ssize_t i = 1; i < n; i++) rest = i == 1 ? p[i] : rest + p[i];
    for (Py_ssize_t i = 1; i < n; i++) p[i] = -p[0] * p[i];
    p[0] = n > 1 ? p[0] * rest : 0.0;
}

enum { ADD, SUB, MUL, DIV, POW, NEG, EXP, LOG, TANH, SIGMOID, RELU, SQRT, SIN, COS, ABS, SQUARE, DOT };
static Row rows[] = {
    [ADD] = {"add", .two = add, .two_partials = add_partials},
    [SUB] = {"sub", .two = subtract, .two_partials = subtract_partials},
    [MUL] = {"mul", .two = multiply, .two_partials = multiply_partials},
    [DIV] = {"div", .two = divide, .two_partials = divide_partials},
    [POW] = {"pow", .two = power, .two_partials = power_partials},
    [NEG] = {"neg", .one = negative, .one_partial = negative_partial},
    [EXP] = {"exp", .one = exponential, .one_partial = exp_partial},
    [LOG] = {"log", .one = logarithm, .one_partial = log_partial},
    [TANH] = {"tanh", .one = hyperbolic_tangent, .one_partial = hyperbolic_tangent_partial},
    [SIGMOID] = {"sigmoid", .one = sigmoid, .one_partial = sigmoid_partial},
    [RELU] = {"relu", .one = relu, .one_partial = relu_partial},
    [SQRT] = {"sqrt", .one = root, .one_partial = root_partial},
    [SIN] = {"sin", .one = sine, .one_partial = sine_partial},
    [COS] = {"cos", .one = cosine, .one_partial = cosine_partial},
    [ABS] = {"abs", .one = absolute, .one_partial = abs_partial},
    [SQUARE] = {"square", .one = square, .one_partial = square_partial},
    [DOT] = {"dot", .many = dot, .many_partials = dot_partials},
    {"identity", .one = same, .one_partial = same_partial},
    {"expm1", .one = exponential_less_1, .one_partial = expm1_partial},
    {"softplus", .one = softplus, .one_partial = softplus_partial},
    {"logsigmoid", .one = logsigmoid, .one_partial = logsigmoid_partial},
    {"silu", .one = silu, .one_partial = silu_partial},
    {"leaky_relu", .two = leaky_relu, .two_partials = leaky_relu_partials},
    {"elu", .two = elu, .two_partials = elu_partials},
    {"maximum", .two = maximum, .two_partials = larger_partials},
    {"minimum", .two = minimum, .two_partials = smaller_partials},
    {"where", .many = where, .many_partials = where_partials, .exactly = 3},
    {"clip", .many = clip, .many_partials = clip_partials, .exactly = 3},
    {"sum", .many = total, .many_partials = total_partials},
    {"mean", .many = mean, .many_partials = mean_partials},
    {"prod", .many = product, .many_partials = product_partials},
    {"logsumexp", .many = logsumexp, .many_partials = logsumexp_partials},
    {"softmax", .many = softmax, .many_partials = softmax_partials},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* A node says by two bytes which operation it is of. Beside the rows above, others get a place when they are first seen,
   and keep it while there are nodes of them. `hashed` finds an operation by its address. */
static uint16_t *hashed;
static size_t known_count, known_room;

static size_t slot_of(PyObject *op) {
    size_t i = ((size_t)op >> 4) % (2 * known_room);
    while (hashed[i] && known[hashed[i]]->op != op) i = (i + 1) % (2 * known_room);
    return i;
}

static void hash_again(void) {
    memset(hashed, 0, 2 * known_room * sizeof *hashed);
    for (size_t i = 1; i <= known_count; i++) hashed[slot_of(known[i]->op)] = (uint16_t)i;
}

static int grow_known(void) {
    size_t room = known_room ? 2 * known_room : 256;
    Row **places = PyMem_Realloc(known, room * sizeof *known);
    if (places != NULL) known = places;
    uint16_t *slots = places == NULL ? NULL : PyMem_Realloc(hashed, 2 * room * sizeof *hashed);
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    hashed = slots;
    known_room = room;
    hash_again();
    return 0;
}

static int add_known(Row *row) {
    if (known_count + 1 >= known_room && grow_known() < 0) return -1;
    row->place = (uint16_t)++known_count;
    known[row->place] = row;
    hashed[slot_of(row->op)] = row->place;
    return 0;
}

/* Return what is known of an operation; NULL with an error. */
static Row *row_of(PyObject *op) {
    uint16_t place = hashed[slot_of(op)];
    if (place) return known[place];
    for (size_t i = known_count + 2 > known_room ? own_count + 1 : known_count + 1; i <= known_count; i++) {
        Row *row = known[i]; /* before the table grows, a row that no node is of gives its place */
        if (row->nodes) continue;
        PyObject *old = row->op;
        row->op = Py_NewRef(op);
        hash_again();
        Py_DECREF(old);
        return row;
    }
    if (known_count == UINT16_MAX) {
        PyErr_SetString(PyExc_OverflowError, "there are nodes of 65,535 operations, and no more are counted");
        return NULL;
    }
    Row *row = PyMem_Calloc(1, sizeof *row);
    if (row == NULL) return (Row *)PyErr_NoMemory();
    row->op = Py_NewRef(op);
    if (add_known(row) == 0) return row;
    Py_DECREF(op);
    PyMem_Free(row);
    return NULL;
}

/* Make a node one of an operation's; it was none of another's. */
static inline void join(Value *node, Row *row) {
    node->op = row->place;
    if (row->place > own_count) row->nodes++;
}

/* ---------------------------------------------------------------- from operands to a node */

static PyObject *unary(Row *row, Value *x) {
    Value *node = new_value();
    if (node == NULL) return NULL;
    double y = row->one(x->data.number);
    node->data.number = y;
    node->op = row->place;
    node->count = 1;
    put(node->few.operands, node->few.partials, 0, (Operand)x, 0.0, row->one_partial(y, x->data.number));
    return finished(node);
}

static inline PyObject *binary(Row *row, double y, Operand a, double a_number, double a_partial, Operand b,
                               double b_number, double b_partial) {
    Value *node = new_value();
    if (node == NULL) return NULL;
    node->data.number = y;
    node->op = row->place;
    node->count = 2;
    put(node->few.operands, node->few.partials, 0, a, a_number, a_partial);
    put(node->few.operands, node->few.partials, 1, b, b_number, b_partial);
    return finished(node);
}

/* Return the node of many operands, or NULL without an error if one of them goes the long way. */
static PyObject *many(Row *row, PyObject *const *xs, Py_ssize_t n) {
    double few[32], *numbers = n <= 16 ? few : PyMem_Malloc(2 * (size_t)n * sizeof(double)), *partials = numbers + n;
    if (numbers == NULL) return PyErr_NoMemory();
    Value *node = new_value();
    if (node == NULL || set_count(node, n) < 0) goto done;
    node->data.number = 0.0;
    Operand *operands = operands_of(node);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!take(xs[i], &operands[i], &numbers[i])) {
            if (n > 2) PyMem_Free(node->many.partials);
            node->count = 0;
            Py_CLEAR(node);
            goto done;
        }
    }
    node->data.number = row->many(numbers, n);
    node->op = row->place;
    row->many_partials(node->data.number, numbers, n, partials);
    for (Py_ssize_t i = 0; i < n; i++)
        put(operands, partials_of(node), i, operands[i], numbers[i], partials[i]);
    if (row->many == where) {
        operands[0] |= NO_ADJOINT; /* the condition */
        operands[numbers[0] != 0.0 ? 2 : 1] |= NO_ADJOINT;
    }
done:
    if (numbers != few) PyMem_Free(numbers);
    if (node == NULL) return NULL;
    if (PyErr_Occurred()) {
        Py_DECREF(node);
        return NULL;
    }
    return finished(node);
}

/* Give a node its operands and partials from two tuples; `partials` may be empty, which stands for None everywhere. */
static int fill(Value *v, PyObject *operands, PyObject *partials) {
    Py_ssize_t n = PyTuple_GET_SIZE(operands);
    int objects = 0, none = PyTuple_GET_SIZE(partials) == 0;
    if (!none && PyTuple_GET_SIZE(partials) != n) {
        PyErr_Format(PyExc_ValueError, "a Value has one partial for each of its %zd operands, and %zd were given", n,
                     PyTuple_GET_SIZE(partials));
        return -1;
    }
    for (Py_ssize_t i = 0; i < n && !none; i++) {
        PyObject *partial = PyTuple_GET_ITEM(partials, i);
        objects |= partial != Py_None && !PyFloat_CheckExact(partial);
    }
    Value made = {.state = 0};
    if (set_count(&made, n) < 0) return -1;
    Operand *places_of_operands = operands_of(&made);
    Number *places_of_partials = partials_of(&made);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *x = PyTuple_GET_ITEM(operands, i), *partial = none ? Py_None : PyTuple_GET_ITEM(partials, i);
        int flows = partial != Py_None && is_value(x);
        if (objects) {
            places_of_operands[i] = (Operand)Py_NewRef(x) | (flows ? 0 : NO_ADJOINT);
            places_of_partials[i].object = partial == Py_None ? NULL : Py_NewRef(partial);
        } else if (PyFloat_CheckExact(x)) {
            places_of_operands[i] = CONSTANT;
            places_of_partials[i].number = PyFloat_AS_DOUBLE(x);
        } else {
            places_of_operands[i] = (Operand)Py_NewRef(x) | (flows ? 0 : NO_ADJOINT);
            places_of_partials[i].number = flows ? PyFloat_AS_DOUBLE(partial) : 0.0;
        }
    }
    Value old = *v;
    v->few = made.few;
    if (n > 2) v->many = made.many;
    v->count = made.count;
    v->state = (uint16_t)(objects ? v->state | OBJECT_PARTIALS : v->state & ~OBJECT_PARTIALS);
    old.op = 0; /* which stays with v */
    release_operands(&old); /* at last, since it may run Python code */
    return 0;
}

/* The node that a row of the table makes by its Python rules: `apply` in value.py. */
static PyObject *apply_rules(PyObject *op, PyObject *const *xs, Py_ssize_t n) {
    PyObject *operands = PyTuple_New(n), *numbers = PyTuple_New(n), *wanted = PyTuple_New(n);
    PyObject *data = NULL, *number = NULL, *slopes = NULL, *partials = NULL, *rule = NULL, *node = NULL;
    if (operands == NULL || numbers == NULL || wanted == NULL) goto done;
    for (Py_ssize_t i = 0; i < n; i++) {
        int flows = is_value(xs[i]);
        PyObject *x = is_number(xs[i]) ? Py_NewRef(xs[i]) : PyObject_CallOneArg(as_float, xs[i]);
        if (x == NULL) goto done;
        PyTuple_SET_ITEM(operands, i, x);
        PyObject *bare = flows ? get_data((Value *)x) : Py_NewRef(x);
        if (bare == NULL) goto done;
        PyTuple_SET_ITEM(numbers, i, bare);
        PyTuple_SET_ITEM(wanted, i, Py_NewRef(flows ? Py_True : Py_False));
    }
    /* a primitive's forward takes floats only */
    PyObject *primitive = PyObject_GetAttr(op, str_primitive);
    if (primitive == NULL) goto done;
    rule = PyObject_GetAttr(op, n == 1 || primitive == Py_True ? str_evaluate : str_forward);
    Py_DECREF(primitive);
    if (rule == NULL || (data = PyObject_CallObject(rule, numbers)) == NULL) goto done;
    if ((number = number_from(data)) == NULL) goto done;
    PyObject *off = active ? PyObject_CallNoArgs(graph_is_off) : Py_NewRef(Py_False);
    if (off == NULL) goto done;
    Py_DECREF(off);
    if (off == Py_True)
        partials = PyTuple_New(0);
    else if ((slopes = PyObject_CallMethodObjArgs(op, str_partials, number, numbers, wanted, NULL)) != NULL)
        partials = PySequence_Tuple(slopes);
    if (partials == NULL) goto done;
    Value *made = new_value();
    if (made == NULL) goto done;
    made->data.number = 0.0;
    put_data(made, number);
    Row *row = row_of(op);
    if (row == NULL || fill(made, operands, partials) < 0)
        Py_DECREF(made);
    else {
        join(made, row);
        node = finished(made);
    }
done:
    Py_XDECREF(operands), Py_XDECREF(numbers), Py_XDECREF(wanted), Py_XDECREF(data);
    Py_XDECREF(number), Py_XDECREF(slopes), Py_XDECREF(partials), Py_XDECREF(rule);
    return node;
}

/* A sum, difference or product of which not both sides hold a double: the number is what its operator says, the traced
   numbers of the compiler among them. */
static PyObject *of_objects(Row *row, PyObject *const *xs) {
    PyObject *data[2] = {NULL, NULL}, *number = NULL, *operands = NULL, *partials = NULL, *y = NULL;
    Value *made = NULL;
    for (int i = 0; i < 2; i++)
        if ((data[i] = is_value(xs[i]) ? get_data((Value *)xs[i]) : Py_NewRef(xs[i])) == NULL) goto done;
    y = row == &rows[ADD]   ? PyNumber_Add(data[0], data[1])
        : row == &rows[SUB] ? PyNumber_Subtract(data[0], data[1])
                            : PyNumber_Multiply(data[0], data[1]);
    if (y == NULL || (number = number_from(y)) == NULL) goto done;
    if ((operands = PyTuple_Pack(2, xs[0], xs[1])) == NULL) goto done;
    if (active && is_on(recording, Py_True)) {
        partials = PyTuple_New(0);
    } else {
        PyObject *by_left = row == &rows[MUL] ? data[1] : one;
        PyObject *by_right = row == &rows[MUL] ? data[0] : row == &rows[SUB] ? minus_one : one;
        partials = PyTuple_Pack(2, is_value(xs[0]) ? by_left : Py_None, is_value(xs[1]) ? by_right : Py_None);
    }
    if (partials == NULL || (made = new_value()) == NULL) goto done;
    made->data.number = 0.0;
    put_data(made, number);
    made->op = row->place;
    if (fill(made, operands, partials) < 0) Py_CLEAR(made);
done:
    Py_XDECREF(data[0]), Py_XDECREF(data[1]), Py_XDECREF(y), Py_XDECREF(number);
    Py_XDECREF(operands), Py_XDECREF(partials);
    return made == NULL ? NULL : finished(made);
}

static inline int takes_many(Row *row, Py_ssize_t n) {
    return row->many != NULL && (row->exactly ? n == row->exactly : n > 0);
}

static PyTypeObject *TracedType; /* in _traced.c */

/* Whether an operator of the numbers is what the rule says: between two Values, and of a traced number and a double. */
static int have_operators(PyObject *left, PyObject *right) {
    if (Py_IS_TYPE(left, ValueType) && Py_IS_TYPE(right, ValueType)) return 1;
    PyObject *other = Py_IS_TYPE(left, ValueType) ? right : left;
    Value *v = (Value *)(other == right ? left : right);
    return PyFloat_CheckExact(other) && Py_IS_TYPE(v, ValueType) && v->state & OBJECT_DATA &&
           Py_IS_TYPE(v->data.object, TracedType);
}

/* The node that a row of the table makes of doubles, or by its Python rules. */
static PyObject *apply(PyObject *op, PyObject *const *xs, Py_ssize_t n) {
    Row *row = row_of(op);
    Operand operands[2];
    double x[2], p[2];
    if (row == NULL) return NULL;
    if (row->one && n == 1 && take(xs[0], &operands[0], &x[0]) && operands[0] != CONSTANT)
        return unary(row, (Value *)xs[0]);
    if (row->two && n == 2 && take(xs[0], &operands[0], &x[0]) && take(xs[1], &operands[1], &x[1])) {
        double y = row->two(x[0], x[1]);
        row->two_partials(y, x[0], x[1], p);
        return binary(row, y, operands[0], x[0], p[0], operands[1], x[1], p[1]);
    }
    if ((row == &rows[ADD] || row == &rows[SUB] || row == &rows[MUL]) && have_operators(xs[0], xs[1]))
        return of_objects(row, xs);
    if (takes_many(row, n)) {
        PyObject *node = many(row, xs, n);
        if (node != NULL || PyErr_Occurred()) return node;
    }
    return apply_rules(op, xs, n);
}

/* The same through the method `apply`, where self is of a subclass, which may have one of its own. */
static PyObject *apply_as(PyObject *self, PyObject *op, PyObject *const *xs, Py_ssize_t n) {
    if (Py_IS_TYPE(self, ValueType)) return apply(op, xs, n);
    PyObject *operands = PyTuple_New(n), *node = NULL;
    for (Py_ssize_t i = 0; operands != NULL && i < n; i++) PyTuple_SET_ITEM(operands, i, Py_NewRef(xs[i]));
    if (operands != NULL) node = PyObject_CallMethodObjArgs(self, str_apply, op, operands, NULL);
    Py_XDECREF(operands);
    return node;
}

/* An operator whose other side is a constant, or another kind of number: `_operate` in value.py. */
static PyObject *operate(PyObject *op, PyObject *self, PyObject *other, int reflected) {
    PyObject *constant = is_number(other) ? Py_NewRef(other) : PyObject_CallOneArg(as_constant, other);
    if (constant == NULL || constant == Py_NotImplemented) return constant; /* the other side may know how */
    PyObject *both[2] = {reflected ? constant : self, reflected ? self : constant};
    PyObject *node = is_number(other) ? apply_as(self, op, both, 2) : apply(op, both, 2);
    Py_DECREF(constant);
    return node;
}

/* An operator of which not both sides are doubles. A subclass may have methods of its own, which come first. */
static PyObject *operate_slowly(Row *row, PyObject *left, PyObject *right) {
    int reflected = !is_value(left);
    PyObject *self = reflected ? right : left, *other = reflected ? left : right;
    if (Py_IS_TYPE(self, ValueType)) return operate(row->op, self, other, reflected);
    if (!reflected && Py_IS_TYPE(other, ValueType)) {
        PyObject *both[2] = {left, right};
        return apply(row->op, both, 2);
    }
    return PyObject_CallMethod(self, "_operate", "OOO", row->op, other, reflected ? Py_True : Py_False);
}

/* Each operator gives the number, and its derivative by each operand. They stand in `rows` too: by way of the pointers there
   a product takes 33 ns instead of 27. */
#define OPERATOR(function, row, result, by_left, by_right)                                    \
    static PyObject *function(PyObject *left, PyObject *right) {                              \
        Operand l, r;                                                                         \
        double a, b;                                                                          \
        if (!take(left, &l, &a) || !take(right, &r, &b)) return operate_slowly(&row, left, right); \
        double y = result;                                                                    \
        return binary(&row, y, l, a, by_left, r, b, by_right);                                \
    }
OPERATOR(value_add, rows[ADD], a + b, 1.0, 1.0)
OPERATOR(value_sub, rows[SUB], a - b, 1.0, -1.0)
OPERATOR(value_mul, rows[MUL], a *b, b, a)
OPERATOR(value_truediv, rows[DIV], divide(a, b), divide(1.0, b), -divide(y, b))
OPERATOR(value_power, rows[POW], power(a, b), l == CONSTANT ? 0.0 : power_by_base(a, b),
         r == CONSTANT ? 0.0 : power_by_exponent(y, a, b))

static PyObject *value_pow(PyObject *left, PyObject *right, PyObject *modulus) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return value_power(left, right);
}

static PyObject *unary_method(Row *row, PyObject *self) {
    Value *v = (Value *)self;
    if (!Py_IS_TYPE(self, ValueType)) return apply_as(self, row->op, &self, 1);
    return v->state & OBJECT_DATA ? apply_rules(row->op, &self, 1) : unary(row, v);
}
#define METHOD(name, row) \
    static PyObject *value_##name(PyObject *self, PyObject *Py_UNUSED(nothing)) { return unary_method(&rows[row], self); }
METHOD(exp, EXP)
METHOD(log, LOG)
METHOD(tanh, TANH)
METHOD(sigmoid, SIGMOID)
METHOD(relu, RELU)
METHOD(sqrt, SQRT)
METHOD(sin, SIN)
METHOD(cos, COS)
METHOD(abs, ABS)
METHOD(square, SQUARE)
static PyObject *value_negative(PyObject *self) {
    Value *v = (Value *)self;
    return v->state & OBJECT_DATA ? apply_rules(rows[NEG].op, &self, 1) : unary(&rows[NEG], v);
}
static PyObject *value_absolute(PyObject *self) {
    return Py_IS_TYPE(self, ValueType) ? value_abs(self, NULL) : PyObject_CallMethod(self, "abs", NULL);
}

static PyObject *value_apply(PyObject *Py_UNUSED(self), PyObject *const *args, Py_ssize_t n) {
    if (n != 2 || !PyTuple_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "apply takes a row of the table and a tuple of operands");
        return NULL;
    }
    return apply(args[0], ((PyTupleObject *)args[1])->ob_item, PyTuple_GET_SIZE(args[1]));
}

static PyObject *value_operate(PyObject *self, PyObject *args, PyObject *named) {
    static char *names[] = {"op", "other", "reflected", NULL};
    PyObject *op, *other;
    int reflected = 0;
    if (!PyArg_ParseTupleAndKeywords(args, named, "OO|p:_operate", names, &op, &other, &reflected)) return NULL;
    return operate(op, self, other, reflected);
}

/* ---------------------------------------------------------------- backward */

typedef struct {
    Value **nodes;
    size_t count, room;
    int mixed;         /* whether some number is no double, so that Python code will run */
    PyObject **grads;  /* gradients of the last pass that are no doubles: let go at the end, since that may run Python code */
    size_t grad_count, grad_room;
    Value *first[64];
} Order;

static inline void begin(Order *order) {
    order->nodes = order->first;
    order->grads = NULL;
    order->room = sizeof order->first / sizeof *order->first;
    order->count = order->grad_count = order->grad_room = 0;
    order->mixed = 0;
}

static void forget(Order *order) {
    for (size_t i = 0; i < order->grad_count; i++) Py_DECREF(order->grads[i]);
    PyMem_Free(order->grads);
    if (order->nodes != order->first) PyMem_Free(order->nodes);
}

static void unmark(Order *order) {
    for (size_t i = 0; i < order->count; i++) order->nodes[i]->state &= ~REACHED;
}

/* Take a gradient that is no double out of a node, and keep it until the end. */
static int set_aside(Order *order, Value *node) {
    if (order->grad_count == order->grad_room) {
        size_t room = order->grad_room ? 2 * order->grad_room : 64;
        PyObject **block = PyMem_Realloc(order->grads, room * sizeof *block);
        if (block == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        order->grads = block;
        order->grad_room = room;
    }
    order->grads[order->grad_count++] = node->grad.object;
    node->state &= ~OBJECT_GRAD;
    return 0;
}

static int append(Order *order, Value *node) {
    if (order->count == order->room) {
        Value **old = order->nodes == order->first ? NULL : order->nodes;
        Value **block = PyMem_Realloc(old, 2 * order->room * sizeof *block);
        if (block == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (old == NULL) memcpy(block, order->first, sizeof order->first);
        order->nodes = block;
        order->room *= 2;
    }
    order->nodes[order->count++] = node;
    return 0;
}

/* Return the next operand of a node that is itself a node and was not reached; NULL if there is none left. */
static inline Value *next_below(Value *node, Order *order) {
    const Operand *operands = operands_of(node);
    uint32_t few = node->count <= 2, i = few ? node->state / NEXT % 4 : node->many.next;
    Value *below = NULL;
    for (; i < node->count && below == NULL; i++) {
        if (operands[i] == CONSTANT) continue;
        Value *v = (Value *)OBJECT_OF(operands[i]);
        if (operands[i] & NO_ADJOINT && !is_value((PyObject *)v)) continue;
        if (v->count == 0)
            order->mixed |= v->state & OBJECT_GRAD;
        else if (!(v->state & REACHED))
            below = v;
    }
    if (few)
        node->state = (uint16_t)((node->state & (NEXT - 1)) | i * NEXT);
    else
        node->many.next = i;
    return below;
}

/* Enter a node on the way down. Its gradient is that of the last pass: in its place stands the node above. */
static inline int enter(Value *node, Value *above, Order *order) {
    if (node->state & OBJECT_GRAD && set_aside(order, node) < 0) return -1;
    node->grad.object = (PyObject *)above;
    node->state = (node->state & (NEXT - 1) & ~HAS_GRAD) | REACHED;
    if (node->count > 2) node->many.next = 0;
    return 0;
}

/* Find the nodes below `output` (no leaves) in topological order, operands before their users: depth first, without
   recursion. Each is marked as REACHED, and its adjoint is −0.0, which changes no number that is added to it, not even
   the sign of a zero. No Python code runs meanwhile. */
static int find_order(Value *output, Order *order) {
    Value *node = NULL, *below = output;
    begin(order);
    do {
        if (below != NULL) {
            if (enter(below, node, order) < 0) break;
            node = below;
        } else {
            if (append(order, node) < 0) break;
            Value *above = (Value *)node->grad.object;
            node->grad.number = -0.0;
            order->mixed |= node->state & (OBJECT_DATA | OBJECT_PARTIALS);
            node = above;
        }
        below = node == NULL ? NULL : next_below(node, order);
    } while (node != NULL);
    if (node == NULL && order->count) return 0;
    while (node != NULL) { /* there was no memory: none of them has a gradient */
        Value *above = (Value *)node->grad.object;
        node->grad.number = 0.0;
        node->state &= ~REACHED;
        node = above;
    }
    unmark(order);
    for (size_t i = 0; i < order->count; i++) put_grad(order->nodes[i], UNSET);
    forget(order);
    return -1;
}

static PyObject *value_get_operands(PyObject *self, void *closure);
static PyObject *value_get_partials(PyObject *self, void *closure);

/* operand.grad += partial * adjoint, for numbers of any kind. */
static int add_flow(Value *operand, PyObject *partial, PyObject *adjoint) {
    int frozen = operand->state & FROZEN && !operand->count; /* it keeps what it had */
    PyObject *grad = frozen ? PyFloat_FromDouble(-0.0) : get_grad(operand);
    PyObject *flow = grad == NULL ? NULL : PyNumber_Multiply(partial, adjoint), *sum = NULL;
    if (flow != NULL) sum = PyNumber_InPlaceAdd(grad, flow);
    /* what is added to the −0.0 that an adjoint begins with is the sum; where that is the same as before, nothing flowed */
    if (sum != NULL && sum != grad && !frozen) put_grad(operand, operand->state & UNTOUCHED ? flow : sum);
    Py_XDECREF(grad), Py_XDECREF(flow), Py_XDECREF(sum);
    return sum == NULL ? -1 : 0;
}

/* The chain rule at one node, where Python code may run: with tuples, as in value.py, since it may change the node. */
static int add_flows_of_objects(Value *node) {
    PyObject *adjoint = get_grad(node), *operands = value_get_operands((PyObject *)node, NULL);
    PyObject *partials = value_get_partials((PyObject *)node, NULL);
    int failed = adjoint == NULL || operands == NULL || partials == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(operands) && i < PyTuple_GET_SIZE(partials); i++) {
        PyObject *operand = PyTuple_GET_ITEM(operands, i), *partial = PyTuple_GET_ITEM(partials, i);
        if (partial != Py_None && is_value(operand)) failed = add_flow((Value *)operand, partial, adjoint) < 0;
    }
    Py_XDECREF(adjoint), Py_XDECREF(operands), Py_XDECREF(partials);
    return failed ? -1 : 0;
}

/* Go one node at a time, users before their operands, and apply the chain rule:
   ∂output/∂operand += ∂node/∂operand · ∂output/∂node */
static void sweep(Order *order) {
    for (size_t at = order->count; at-- > 0;) {
        Value *node = order->nodes[at];
        double adjoint = node->grad.number;
        const Operand *operands = operands_of(node);
        const Number *partials = partials_of(node);
        node->state &= ~REACHED;
        if (!(node->state & HAS_GRAD)) { /* nothing flowed here: it is of a branch that was not taken */
            node->grad.number = 0.0;
            continue;
        }
        for (uint32_t i = 0, n = node->count; i < n; i++) {
            if (operands[i] & NO_ADJOINT) continue;
            Value *operand = (Value *)operands[i];
            if (operand->state & FROZEN && !operand->count) continue;
            operand->grad.number += partials[i].number * adjoint;
            operand->state |= HAS_GRAD;
        }
    }
}

/* The same for numbers of any kind. Python code may let go of a node, or begin a pass of its own, so each node is held,
   and the marks are gone before. Where it fails, the nodes that were not reached have no gradient. */
static int sweep_objects(Order *order, int checks) {
    size_t at = order->count;
    int failed = 0;
    unmark(order);
    for (size_t i = 0; i < order->count; i++) {
        Py_INCREF(order->nodes[i]);
        if (i + 1 < order->count) order->nodes[i]->state |= HAS_GRAD | UNTOUCHED;
    }
    while (at && !failed) {
        Value *node = order->nodes[--at];
        if (node->state & UNTOUCHED) continue; /* it is of a branch that was not taken */
        failed = add_flows_of_objects(node);
        if (checks && !failed) {
            PyObject *none = PyObject_CallOneArg(check_backward, (PyObject *)node);
            failed = none == NULL ? -1 : 0;
            Py_XDECREF(none);
        }
    }
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    for (size_t i = 0; i < order->count; i++) {
        if (order->nodes[i]->state & UNTOUCHED) put_grad(order->nodes[i], UNSET);
        order->nodes[i]->state &= ~UNTOUCHED;
        Py_DECREF(order->nodes[i]);
    }
    PyErr_Restore(type, error, traceback);
    return failed;
}

/* Where Python code runs in the middle, another thread may come in: then one backward pass goes at a time. */
static int mixed_passes;

static int acquire(void) {
    PyObject *got = PyObject_CallMethodNoArgs(lock, str_acquire);
    if (got == NULL) return -1;
    Py_DECREF(got);
    mixed_passes++;
    return 0;
}

static void release(void) {
    PyObject *type, *error, *traceback;
    mixed_passes--;
    PyErr_Fetch(&type, &error, &traceback);
    Py_XDECREF(PyObject_CallMethodNoArgs(lock, str_release));
    PyErr_Restore(type, error, traceback);
}

static int run_backward(Value *output, PyObject *seed) {
    Order order;
    int checks = active ? is_on(checking, Py_False) : 0, mixed = checks || !PyFloat_CheckExact(seed), locked = 0, failed;
    if (checks < 0) return -1;
    if (mixed || mixed_passes) {
        if (acquire() < 0) return -1;
        locked = 1;
    }
    failed = find_order(output, &order);
    if (!failed && order.mixed && !locked) {
        unmark(&order); /* while this thread waits for the lock, the marks must not stand there */
        for (size_t i = 0; i < order.count; i++) put_grad(order.nodes[i], UNSET);
        forget(&order);
        if (acquire() < 0) return -1;
        locked = 1;
        failed = output->count ? find_order(output, &order) : 0;
        if (!output->count) begin(&order); /* made a leaf meanwhile */
    }
    if (!failed) {
        put_grad(output, seed);
        if (mixed || order.mixed) failed = sweep_objects(&order, checks);
        else sweep(&order);
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        forget(&order);
        PyErr_Restore(type, error, traceback);
    }
    if (locked) release();
    return failed;
}

/* Rare cases go to the function in value.py: arguments that are wrong, say, of which its own error says so. */
static PyObject *by_value_py(const char *method, PyObject *self, PyObject *args, PyObject *named) {
    PyObject *function = PyObject_GetAttrString(PlainValue, method), *all, *result = NULL;
    if (function == NULL) return NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    if ((all = PyTuple_New(n + 1)) != NULL) {
        PyTuple_SET_ITEM(all, 0, Py_NewRef(self));
        for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(all, i + 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
        result = PyObject_Call(function, all, named);
        Py_DECREF(all);
    }
    Py_DECREF(function);
    return result;
}

static PyObject *value_backward(PyObject *self, PyObject *args, PyObject *named) {
    static char *names[] = {"seed", NULL};
    Value *v = (Value *)self;
    PyObject *given = NULL, *seed;
    if (!PyArg_ParseTupleAndKeywords(args, named, "|O:backward", names, &given)) {
        PyErr_Clear();
        return by_value_py("backward", self, args, named);
    }
    if (!v->count && v->extras != NULL) return by_value_py("backward", self, args, named); /* frozen, or without a graph */
    seed = given == NULL ? PyFloat_FromDouble(1.0) : number_from(given);
    if (seed == NULL) return NULL;
    int failed = 0;
    if (v->count) {
        failed = run_backward(v, seed);
    } else {
        PyObject *grad = get_grad(v), *sum = grad == NULL ? NULL : PyNumber_InPlaceAdd(grad, seed);
        failed = sum == NULL ? -1 : 0;
        if (sum != NULL) put_grad(v, sum);
        Py_XDECREF(grad);
        Py_XDECREF(sum);
    }
    Py_DECREF(seed);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- the attributes */

static int deleted(PyObject *x, const char *name) {
    if (x == NULL) PyErr_Format(PyExc_AttributeError, "%s of a Value cannot be deleted", name);
    return x == NULL;
}

static PyObject *value_get_data(PyObject *self, void *Py_UNUSED(c)) { return get_data((Value *)self); }
static int value_set_data(PyObject *self, PyObject *x, void *Py_UNUSED(c)) {
    if (deleted(x, "data")) return -1;
    return set_data((Value *)self, x);
}

static PyObject *value_get_grad(PyObject *self, void *Py_UNUSED(c)) { return get_grad((Value *)self); }
static int value_set_grad(PyObject *self, PyObject *x, void *Py_UNUSED(c)) {
    if (deleted(x, "grad")) return -1;
    put_grad((Value *)self, x);
    return 0;
}

static PyObject *value_get_op(PyObject *self, void *Py_UNUSED(c)) {
    uint16_t place = ((Value *)self)->op;
    return Py_NewRef(place ? known[place]->op : Py_None);
}
static int value_set_op(PyObject *self, PyObject *x, void *Py_UNUSED(c)) {
    if (deleted(x, "op")) return -1;
    Value *v = (Value *)self;
    Row *row = x == Py_None ? NULL : row_of(x);
    if (row == NULL && x != Py_None) return -1;
    if (v->op > own_count) known[v->op]->nodes--;
    v->op = 0;
    if (row != NULL) join(v, row);
    return 0;
}

/* A tuple with a place for each operand. To make one may run the garbage collector, and with it code that changes v. */
static PyObject *tuple_for(Value *v) {
    PyObject *tuple = PyTuple_New(v->count);
    while (tuple != NULL && PyTuple_GET_SIZE(tuple) != (Py_ssize_t)v->count) Py_SETREF(tuple, PyTuple_New(v->count));
    return tuple;
}

static PyObject *value_get_operands(PyObject *self, void *Py_UNUSED(c)) {
    Value *v = (Value *)self;
    PyObject *tuple = tuple_for(v);
    for (uint32_t i = 0; tuple != NULL && i < v->count; i++) {
        Operand operand = operands_of(v)[i];
        PyObject *x = operand == CONSTANT ? PyFloat_FromDouble(partials_of(v)[i].number) : Py_NewRef(OBJECT_OF(operand));
        if (x == NULL) Py_CLEAR(tuple);
        else PyTuple_SET_ITEM(tuple, i, x);
    }
    return tuple;
}
static int value_set_operands(PyObject *self, PyObject *x, void *Py_UNUSED(c)) {
    if (deleted(x, "operands")) return -1;
    if (!PyTuple_Check(x)) {
        PyErr_SetString(PyExc_TypeError, "the operands of a Value are a tuple");
        return -1;
    }
    PyObject *none = PyTuple_New(0);
    int failed = none == NULL ? -1 : fill((Value *)self, x, none);
    Py_XDECREF(none);
    return failed;
}

static PyObject *value_get_partials(PyObject *self, void *Py_UNUSED(c)) {
    Value *v = (Value *)self;
    PyObject *tuple = tuple_for(v);
    for (uint32_t i = 0; tuple != NULL && i < v->count; i++) {
        Number partial = partials_of(v)[i];
        PyObject *x;
        if (operands_of(v)[i] & NO_ADJOINT) x = Py_NewRef(Py_None);
        else x = v->state & OBJECT_PARTIALS ? Py_NewRef(partial.object) : PyFloat_FromDouble(partial.number);
        if (x == NULL) Py_CLEAR(tuple);
        else PyTuple_SET_ITEM(tuple, i, x);
    }
    return tuple;
}
static int value_set_partials(PyObject *self, PyObject *x, void *Py_UNUSED(c)) {
    if (deleted(x, "partials")) return -1;
    if (!PyTuple_Check(x)) {
        PyErr_SetString(PyExc_TypeError, "the partials of a Value are a tuple");
        return -1;
    }
    PyObject *operands = value_get_operands(self, NULL);
    int failed = operands == NULL ? -1 : fill((Value *)self, operands, x);
    Py_XDECREF(operands);
    return failed;
}

static PyObject *value_get_extras(PyObject *self, void *Py_UNUSED(c)) {
    PyObject *extras = ((Value *)self)->extras;
    return Py_NewRef(extras == NULL ? Py_None : extras);
}
static int value_set_extras(PyObject *self, PyObject *x, void *Py_UNUSED(c)) {
    Value *v = (Value *)self;
    if (deleted(x, "extras")) return -1;
    PyObject *frozen = PyDict_Check(x) ? PyDict_GetItemWithError(x, str_frozen) : NULL;
    int is_frozen = frozen == NULL ? 0 : PyObject_IsTrue(frozen);
    if (is_frozen < 0 || PyErr_Occurred()) return -1;
    v->state = is_frozen ? v->state | FROZEN : v->state & ~FROZEN;
    PyObject *old = v->extras;
    v->extras = x == Py_None ? NULL : Py_NewRef(x);
    Py_XDECREF(old);
    return 0;
}

static PyObject *value_has_grad(PyObject *self, void *Py_UNUSED(c)) {
    Value *v = (Value *)self;
    return PyBool_FromLong(v->state & HAS_GRAD && (v->count || !(v->state & FROZEN)));
}

static PyObject *value_zero_grad(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    put_grad((Value *)self, UNSET);
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- the constructor */

static PyObject *value_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named)) {
    Value *v = type == ValueType ? new_value() : (Value *)type->tp_alloc(type, 0);
    if (v != NULL) v->data.number = 0.0;
    return (PyObject *)v;
}

static int value_init(PyObject *self, PyObject *args, PyObject *named) {
    static char *names[] = {"data", "name", NULL};
    Value *v = (Value *)self;
    PyObject *data, *name = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O|O", names, &data, &name)) {
        PyErr_Clear();
        Py_XDECREF(by_value_py("__init__", self, args, named));
        return -1;
    }
    if (set_data(v, data) < 0) return -1;
    drop_operands(v);
    Py_CLEAR(v->extras);
    v->state &= ~FROZEN;
    put_grad(v, UNSET);
    if (name != Py_None && PyObject_SetAttr(self, str_name, name) < 0) return -1;
    return show_leaf(v);
}

/* Value(2.0) without the tuple of arguments. Any other call, or an __init__ that was replaced, goes the usual way. */
static PyObject *value_call(PyObject *type, PyObject *const *args, size_t flags, PyObject *keywords) {
    Py_ssize_t n = PyVectorcall_NARGS(flags);
    if (n == 1 && keywords == NULL && (PyTypeObject *)type == ValueType && ValueType->tp_init == value_init) {
        Value *v = new_value();
        if (v == NULL) return NULL;
        v->data.number = 0.0;
        if (set_data(v, args[0]) < 0 || show_leaf(v) < 0) Py_CLEAR(v);
        return (PyObject *)v;
    }
    PyObject *tuple = PyTuple_New(n), *named = keywords == NULL ? NULL : PyDict_New(), *result = NULL;
    if (tuple == NULL || (keywords != NULL && named == NULL)) goto done;
    for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; keywords != NULL && i < PyTuple_GET_SIZE(keywords); i++)
        if (PyDict_SetItem(named, PyTuple_GET_ITEM(keywords, i), args[n + i]) < 0) goto done;
    result = PyType_Type.tp_call(type, tuple, named);
done:
    Py_XDECREF(tuple);
    Py_XDECREF(named);
    return result;
}

/* A comparison compares the numbers and gives a bool; the hash is by identity. */
static PyObject *value_compare(PyObject *left, PyObject *right, int how) {
    Operand l, r;
    double a, b;
    if (!PyLong_Check(right) && take(left, &l, &a) && take(right, &r, &b)) Py_RETURN_RICHCOMPARE(a, b, how);
    PyObject *x = is_value(left) ? get_data((Value *)left) : Py_NewRef(left), *y = NULL, *result = NULL;
    if (x == NULL) return NULL;
    if (is_value(right)) y = get_data((Value *)right);
    else if (!is_number(right)) y = Py_NewRef(right);
    else if ((y = PyObject_GetAttrString(right, "data")) == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        y = Py_NewRef(right);
    }
    if (y != NULL) result = PyObject_RichCompare(x, y, how);
    Py_DECREF(x);
    Py_XDECREF(y);
    return result;
}

static Py_hash_t value_hash(PyObject *self) { return PyBaseObject_Type.tp_hash(self); }

static int value_bool(PyObject *self) {
    Value *v = (Value *)self;
    return v->state & OBJECT_DATA ? PyObject_IsTrue(v->data.object) : v->data.number != 0.0;
}

static int value_traverse(PyObject *self, visitproc visit, void *arg) { /* for subclasses, which may be in a cycle */
    Value *v = (Value *)self;
    if (v->state & OBJECT_DATA) Py_VISIT(v->data.object);
    for (uint32_t i = 0; i < v->count; i++) Py_VISIT(OBJECT_OF(operands_of(v)[i]));
    Py_VISIT(Py_TYPE(self));
    return 0;
}

/* ---------------------------------------------------------------- functions beside the class */

/* [dot(row, xs, bias) for row, bias in zip(rows, biases)], or None where something is not a double: matvec.py */
static PyObject *matvec(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 3) Py_RETURN_NONE;
    for (int i = 0; i < 3; i++)
        if (!PyList_CheckExact(args[i]) && !PyTuple_CheckExact(args[i])) Py_RETURN_NONE;
    /* While a mode is open Python code runs, which could change the lists: then we hold tuples of our own. */
    PyObject *held[3] = {NULL, NULL, NULL}, *nodes = NULL;
    for (int i = 0; i < 3; i++)
        if ((held[i] = active ? PySequence_Tuple(args[i]) : Py_NewRef(args[i])) == NULL) goto give_back;
    Py_ssize_t height = PySequence_Fast_GET_SIZE(held[0]);
    if ((nodes = PyList_New(height)) == NULL) goto give_back; /* first, since it may run the garbage collector */
    Py_ssize_t n = PySequence_Fast_GET_SIZE(held[1]);
    if (n == 0 || PySequence_Fast_GET_SIZE(held[0]) != height || PySequence_Fast_GET_SIZE(held[2]) != height) {
        Py_CLEAR(nodes);
        goto give_back;
    }
    PyObject **rows_of = PySequence_Fast_ITEMS(held[0]), **xs = PySequence_Fast_ITEMS(held[1]);
    PyObject **biases = PySequence_Fast_ITEMS(held[2]);
    double few[32], *numbers = n <= 32 ? few : PyMem_Malloc((size_t)n * sizeof(double));
    Operand few_inputs[32], *inputs = n <= 32 ? few_inputs : PyMem_Malloc((size_t)n * sizeof(Operand));
    int quick = 1;
    if (numbers == NULL || inputs == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t j = 0; j < n; j++)
        if (!take(xs[j], &inputs[j], &numbers[j])) quick = 0;
    for (Py_ssize_t i = 0; quick && i < height; i++) {
        PyObject *row = rows_of[i];
        Operand bias;
        double y, weight;
        if ((!PyList_CheckExact(row) && !PyTuple_CheckExact(row)) || PySequence_Fast_GET_SIZE(row) != n ||
            !take(biases[i], &bias, &y) || bias == CONSTANT) {
            quick = 0;
            break;
        }
        PyObject **weights = PySequence_Fast_ITEMS(row);
        Value *node = new_value();
        if (node == NULL || set_count(node, 2 * n + 1) < 0) {
            Py_XDECREF(node);
            Py_CLEAR(nodes);
            break;
        }
        node->data.number = 0.0;
        Operand *operands = operands_of(node);
        Number *partials = partials_of(node);
        Py_ssize_t j = 0;
        for (; j < n; j++) {
            if (!take(weights[j], &operands[j], &weight)) break;
            y += weight * numbers[j];
            put(operands, partials, j, operands[j], weight, numbers[j]);
            put(operands, partials, n + j, inputs[j], numbers[j], weight);
        }
        if (j < n) { /* it goes the long way, and what was put is given back */
            for (Py_ssize_t k = 0; k < j; k++) {
                Py_XDECREF(OBJECT_OF(operands[k]));
                Py_XDECREF(OBJECT_OF(operands[n + k]));
            }
            PyMem_Free(node->many.partials);
            node->count = 0;
            Py_DECREF(node);
            quick = 0;
            break;
        }
        put(operands, partials, 2 * n, bias, 0.0, 1.0);
        node->data.number = y;
        node->op = rows[DOT].place;
        PyObject *made = finished(node);
        if (made == NULL) {
            Py_CLEAR(nodes);
            break;
        }
        PyList_SET_ITEM(nodes, i, made);
    }
done:
    if (numbers != few) PyMem_Free(numbers);
    if (inputs != few_inputs) PyMem_Free(inputs);
    if (!quick) Py_CLEAR(nodes);
give_back:
    for (int i = 0; i < 3; i++) Py_XDECREF(held[i]);
    if (PyErr_Occurred()) Py_CLEAR(nodes);
    else if (nodes == NULL) Py_RETURN_NONE;
    return nodes;
}

/* A public function such as autograd.relu: where a Value is among the operands, it makes the node at once. Every other
   call, and what else is asked of a function (its name, its signature), goes to the one in Python, which it wraps. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Row *row;
    PyObject *python;
} Function;
static PyTypeObject *FunctionType;

static PyObject *function_call(PyObject *self, PyObject *const *args, size_t flags, PyObject *keywords) {
    Function *f = (Function *)self;
    Py_ssize_t n = PyVectorcall_NARGS(flags), i = 0;
    if (keywords == NULL && ((f->row->one && n == 1) || (f->row->two && n == 2) || takes_many(f->row, n))) {
        int values = 0;
        for (; i < n && (Py_IS_TYPE(args[i], ValueType) || PyFloat_CheckExact(args[i]) || PyLong_CheckExact(args[i])); i++)
            values += Py_IS_TYPE(args[i], ValueType);
        if (i == n && values) return apply(f->row->op, args, n);
    }
    return PyObject_Vectorcall(f->python, args, flags, keywords);
}

static void function_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((Function *)self)->python);
    type->tp_free(self);
    Py_DECREF(type);
}

static int function_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((Function *)self)->python);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static PyObject *function_getattr(PyObject *self, PyObject *name) {
    if (PyUnicode_CompareWithASCIIString(name, "__class__") == 0) return PyObject_GenericGetAttr(self, name);
    if (PyUnicode_CompareWithASCIIString(name, "__reduce_ex__") == 0) return PyObject_GenericGetAttr(self, name);
    if (PyUnicode_CompareWithASCIIString(name, "__wrapped__") == 0) return Py_NewRef(((Function *)self)->python);
    return PyObject_GetAttr(((Function *)self)->python, name);
}

static PyObject *function_reduce(PyObject *self, PyObject *Py_UNUSED(protocol)) {
    return PyObject_GetAttrString(((Function *)self)->python, "__qualname__"); /* as functions are: by name */
}

static PyObject *function_bind(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type)) {
    return object == NULL ? Py_NewRef(self) : PyMethod_New(self, object); /* as a function in a class is a method */
}

static PyObject *function_repr(PyObject *self) { return PyObject_Repr(((Function *)self)->python); }

static PyMethodDef function_methods[] = {{"__reduce_ex__", function_reduce, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Function, call), READONLY, NULL}, {NULL, 0, 0, 0, NULL}};
static PyType_Slot function_slots[] = {
    {Py_tp_dealloc, function_dealloc},
    {Py_tp_traverse, function_traverse},
    {Py_tp_getattro, function_getattr},
    {Py_tp_descr_get, function_bind},
    {Py_tp_repr, function_repr},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_methods, function_methods},
    {Py_tp_members, function_members},
    {0, NULL},
};
static PyType_Spec function_spec = {
    "autograd.function", sizeof(Function), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION, function_slots};

/* Return the public function of a row, in front of the one in Python; that one itself, if the row has no rule here. */
static PyObject *function(PyObject *Py_UNUSED(module), PyObject *op) {
    Row *row = row_of(op);
    PyObject *python = row == NULL ? NULL : PyObject_GetAttr(op, str_evaluate);
    if (python == NULL || (row->one == NULL && row->two == NULL && row->many == NULL)) return python;
    Function *f = PyObject_GC_New(Function, FunctionType);
    if (f == NULL) {
        Py_DECREF(python);
        return NULL;
    }
    f->call = function_call;
    f->row = row;
    f->python = python;
    PyObject_GC_Track(f);
    return (PyObject *)f;
}

/* Call `change` with each Value of an iterable. Python code may run and change it, so each is held, and the size asked. */
static PyObject *each(PyObject *values, int (*change)(PyObject *, PyObject *), PyObject *argument) {
    PyObject *held = PySequence_Fast(values, "Values are needed here, in a list");
    int failed = held == NULL;
    for (Py_ssize_t i = 0; !failed && i < PySequence_Fast_GET_SIZE(held); i++) {
        PyObject *v = Py_NewRef(PySequence_Fast_GET_ITEM(held, i));
        if (!is_value(v)) PyErr_Format(PyExc_TypeError, "a Value is needed here, and %R was given", v);
        failed = !is_value(v) || change(v, argument) < 0;
        Py_DECREF(v);
    }
    Py_XDECREF(held);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static int forget_grad(PyObject *v, PyObject *Py_UNUSED(nothing)) {
    if (Py_IS_TYPE(v, ValueType)) {
        put_grad((Value *)v, UNSET);
        return 0;
    }
    PyObject *none = PyObject_CallMethod(v, "zero_grad", NULL);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}
static PyObject *zero_grads(PyObject *Py_UNUSED(module), PyObject *values) { return each(values, forget_grad, NULL); }

/* x ← x − rate·∂/∂x */
static int step_down(PyObject *self, PyObject *rate) {
    Value *v = (Value *)self;
    double number;
    if (!(v->state & HAS_GRAD) || (v->state & FROZEN && !v->count)) return 0;
    if (!(v->state & (OBJECT_DATA | OBJECT_GRAD)) && is_real(rate, &number)) {
        v->data.number -= number * v->grad.number;
        return 0;
    }
    PyObject *grad = get_grad(v), *data = get_data(v), *change = grad == NULL ? NULL : PyNumber_Multiply(rate, grad);
    PyObject *next = data == NULL || change == NULL ? NULL : PyNumber_Subtract(data, change);
    if (next != NULL) put_data(v, next);
    Py_XDECREF(grad), Py_XDECREF(data), Py_XDECREF(change), Py_XDECREF(next);
    return next == NULL ? -1 : 0;
}
static PyObject *descend(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n) {
    if (n == 2) return each(args[0], step_down, args[1]);
    PyErr_SetString(PyExc_TypeError, "descend takes Values and a rate");
    return NULL;
}

/* Every Value that the outputs were computed from, themselves included, operands before their users, as a list; None if one
   of the outputs is none of ours: graph.py. The gradients must stay, so the way back stands in a list of its own. */
typedef struct {
    Value *node;
    uint32_t next; /* the operand to look at next */
} Visit;

static int visit(Value *output, Order *order, Visit **stack, size_t *room) {
    size_t depth = 0;
    Value *below = output;
    while (below != NULL || depth) {
        if (below != NULL) {
            if (depth == *room) {
                Visit *block = PyMem_Realloc(*stack, 2 * (*room + 32) * sizeof *block);
                if (block == NULL) {
                    PyErr_NoMemory();
                    while (depth) (*stack)[--depth].node->state &= ~REACHED;
                    return -1;
                }
                *stack = block;
                *room = 2 * (*room + 32);
            }
            below->state |= REACHED;
            (*stack)[depth++] = (Visit){below, 0};
        }
        Visit *top = &(*stack)[depth - 1];
        const Operand *operands = operands_of(top->node);
        for (below = NULL; top->next < top->node->count && below == NULL; top->next++) {
            PyObject *x = OBJECT_OF(operands[top->next]);
            if (x != NULL && is_value(x) && !(((Value *)x)->state & REACHED)) below = (Value *)x;
        }
        if (below != NULL) continue;
        depth--;
        if (append(order, top->node) < 0) {
            for (depth++; depth; depth--) (*stack)[depth - 1].node->state &= ~REACHED;
            return -1;
        }
        Py_INCREF(top->node);
    }
    return 0;
}

static PyObject *topological_order(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs) {
    Order order;
    Visit *stack = NULL;
    size_t room = 0;
    int failed = 0;
    if (nargs != 2 || !PyTuple_Check(args[0]) || !PyTuple_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "topological_order takes two tuples: the outputs, and where to stop");
        return NULL;
    }
    for (int which = 0; which < 2; which++)
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[which]); i++)
            if (!is_value(PyTuple_GET_ITEM(args[which], i))) Py_RETURN_NONE;
    begin(&order);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[1]); i++) ((Value *)PyTuple_GET_ITEM(args[1], i))->state |= REACHED;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[0]) && !failed; i++) {
        Value *output = (Value *)PyTuple_GET_ITEM(args[0], i);
        if (!(output->state & REACHED)) failed = visit(output, &order, &stack, &room);
    }
    PyMem_Free(stack);
    unmark(&order);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[1]); i++) ((Value *)PyTuple_GET_ITEM(args[1], i))->state &= ~REACHED;
    PyObject *list = failed ? NULL : PyList_New((Py_ssize_t)order.count);
    for (size_t i = 0; i < order.count; i++) {
        if (list != NULL) PyList_SET_ITEM(list, (Py_ssize_t)i, (PyObject *)order.nodes[i]);
        else Py_DECREF(order.nodes[i]);
    }
    forget(&order);
    return list;
}

/* Whether an operand is in a set of Values; -1 where that cannot be said. */
static inline int is_among(PyObject *x, PyObject *values) { return is_value(x) ? PySet_Contains(values, x) : 0; }

/* The nodes of an order that have an operand in the set `needed`, which they join: functional.py. */
static PyObject *nodes_above(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n) {
    if (n != 2 || !PyList_Check(args[0]) || !PySet_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "nodes_above takes a list of Values and a set of them");
        return NULL;
    }
    PyObject *above = PyList_New(0);
    for (Py_ssize_t at = 0; above != NULL && at < PyList_GET_SIZE(args[0]); at++) {
        PyObject *node = PyList_GET_ITEM(args[0], at);
        int found = 0;
        for (uint32_t i = 0; is_value(node) && !found && i < ((Value *)node)->count; i++) {
            PyObject *x = OBJECT_OF(operands_of((Value *)node)[i]);
            found = x == NULL ? 0 : is_among(x, args[1]);
        }
        if (found < 0 || (found && (PySet_Add(args[1], node) < 0 || PyList_Append(above, node) < 0))) Py_CLEAR(above);
    }
    return above;
}

/* table[node] += flow */
static int accumulate(PyObject *table, PyObject *node, PyObject *flow) {
    PyObject *before = PyDict_GetItemWithError(table, node), *sum;
    if (before == NULL) return PyErr_Occurred() ? -1 : PyDict_SetItem(table, node, flow);
    Py_INCREF(before);
    sum = PyNumber_Add(before, flow);
    int failed = sum == NULL ? -1 : PyDict_SetItem(table, node, sum);
    Py_DECREF(before), Py_XDECREF(sum);
    return failed;
}

/* Reverse mode with the stored partials, into a dict of the adjoints: `sweep_back` in functional.py. */
static PyObject *sweep_into(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n) {
    if (n != 4 || !PyDict_Check(args[0]) || !PyList_Check(args[1]) || !PySet_Check(args[2]) || !PySet_Check(args[3])) {
        PyErr_SetString(PyExc_TypeError, "sweep_into takes a dict of adjoints, a list of Values, and two sets");
        return NULL;
    }
    PyObject *adjoints = args[0], *needed = args[2], *additions = args[3];
    int failed = 0;
    for (Py_ssize_t at = PyList_GET_SIZE(args[1]); !failed && at-- > 0;) {
        PyObject *node = PyList_GET_ITEM(args[1], at), *adjoint = PyDict_GetItemWithError(adjoints, node);
        if (adjoint == NULL && !(failed = PyErr_Occurred() != NULL)) continue;
        Py_XINCREF(adjoint);
        PyObject *operands = failed ? NULL : value_get_operands(node, NULL);
        PyObject *partials = failed ? NULL : value_get_partials(node, NULL);
        failed = operands == NULL || partials == NULL;
        for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(operands) && i < PyTuple_GET_SIZE(partials); i++) {
            PyObject *operand = PyTuple_GET_ITEM(operands, i), *partial = PyTuple_GET_ITEM(partials, i);
            int wanted = partial == Py_None ? 0 : is_among(operand, needed), is_one = 0;
            uint16_t op = ((Value *)node)->op;
            if (wanted > 0 && op && PyFloat_CheckExact(partial) && PyFloat_AS_DOUBLE(partial) == 1.0)
                is_one = PySet_Contains(additions, known[op]->op); /* and is so for any numbers */
            PyObject *flow = is_one ? Py_NewRef(adjoint) : wanted > 0 ? PyNumber_Multiply(partial, adjoint) : NULL;
            failed = wanted < 0 || is_one < 0 || (wanted && (flow == NULL || accumulate(adjoints, operand, flow) < 0));
            Py_XDECREF(flow);
        }
        Py_XDECREF(adjoint), Py_XDECREF(operands), Py_XDECREF(partials);
    }
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *set_active(PyObject *Py_UNUSED(module), PyObject *count) {
    active = (int)PyLong_AsLong(count);
    if (active == -1 && PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- the class and the module */

static PyMethodDef methods[] = {
    {"backward", (PyCFunction)(void (*)(void))value_backward, METH_VARARGS | METH_KEYWORDS, "($self, seed=1.0)"},
    {"apply", (PyCFunction)(void (*)(void))value_apply, METH_FASTCALL, "($self, op, operands, /)"},
    {"_operate", (PyCFunction)(void (*)(void))value_operate, METH_VARARGS | METH_KEYWORDS,
     "($self, op, other, reflected=False)"},
    {"zero_grad", value_zero_grad, METH_NOARGS, "($self)"},
    {"exp", value_exp, METH_NOARGS, "($self, /)"},
    {"log", value_log, METH_NOARGS, "($self, /)"},
    {"tanh", value_tanh, METH_NOARGS, "($self, /)"},
    {"sigmoid", value_sigmoid, METH_NOARGS, "($self, /)"},
    {"relu", value_relu, METH_NOARGS, "($self, /)"},
    {"sqrt", value_sqrt, METH_NOARGS, "($self, /)"},
    {"sin", value_sin, METH_NOARGS, "($self, /)"},
    {"cos", value_cos, METH_NOARGS, "($self, /)"},
    {"abs", value_abs, METH_NOARGS, "($self, /)"},
    {"square", value_square, METH_NOARGS, "($self, /)"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"data", value_get_data, value_set_data, NULL, NULL},
    {"grad", value_get_grad, value_set_grad, NULL, NULL},
    {"op", value_get_op, value_set_op, NULL, NULL},
    {"operands", value_get_operands, value_set_operands, NULL, NULL},
    {"partials", value_get_partials, value_set_partials, NULL, NULL},
    {"extras", value_get_extras, value_set_extras, NULL, NULL},
    {"has_grad", value_has_grad, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, value_new},
    {Py_tp_init, value_init},
    {Py_tp_dealloc, value_dealloc},
    {Py_tp_traverse, value_traverse},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_richcompare, value_compare},
    {Py_tp_hash, value_hash},
    {Py_nb_bool, value_bool},
    {Py_nb_add, value_add},
    {Py_nb_subtract, value_sub},
    {Py_nb_multiply, value_mul},
    {Py_nb_true_divide, value_truediv},
    {Py_nb_power, value_pow},
    {Py_nb_negative, value_negative},
    {Py_nb_absolute, value_absolute},
    {Py_tp_doc, NULL}, /* see `document` */
    {0, NULL},
};
#define SLOTS (sizeof slots / sizeof slots[0])

static PyType_Spec spec = {"autograd.Value", sizeof(Value), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

#include "_traced.c"

static PyMethodDef functions[] = {
    {"matvec", (PyCFunction)(void (*)(void))matvec, METH_FASTCALL, NULL},
    {"topological_order", (PyCFunction)(void (*)(void))topological_order, METH_FASTCALL, NULL},
    {"nodes_above", (PyCFunction)(void (*)(void))nodes_above, METH_FASTCALL, NULL},
    {"sweep_into", (PyCFunction)(void (*)(void))sweep_into, METH_FASTCALL, NULL},
    {"zero_grads", zero_grads, METH_O, NULL},
    {"descend", (PyCFunction)(void (*)(void))descend, METH_FASTCALL, NULL},
    {"function", function, METH_O, NULL},
    {"set_active", set_active, METH_O, NULL},
    {"set_traced", set_traced, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "autograd._native", NULL, -1, functions,
                                        NULL, NULL, NULL, NULL};

static PyObject *fetched(const char *module, const char *name) {
    PyObject *imported = PyImport_ImportModule(module), *x = NULL;
    if (imported != NULL) x = PyObject_GetAttrString(imported, name);
    Py_XDECREF(imported);
    return x;
}

/* Return a docstring of value.py behind `before`, as a C string that lasts; NULL with an error. */
static const char *documentation(const char *before, PyObject *text) {
    PyObject *joined = PyUnicode_FromFormat("%s%U", before, text);
    const char *chars = joined == NULL ? NULL : PyUnicode_AsUTF8(joined);
    return chars; /* `joined` is never given back, since the class refers to its characters */
}

/* The documentation of the class, its methods and attributes stands in value.py and in the table. */
static int document(void) {
    PyObject *described = PyObject_GetAttrString(PlainValue, "__slots__");
    PyObject *doc = PyObject_GetAttrString(PlainValue, "__doc__");
    if (described == NULL || doc == NULL) return -1;
    slots[SLOTS - 2].pfunc = (void *)documentation("Value(data, name=None)\n--\n\n", doc);
    Py_DECREF(doc);
    if (slots[SLOTS - 2].pfunc == NULL) return -1;
    for (PyMethodDef *method = methods; method->ml_name != NULL; method++) {
        char before[128];
        PyObject *member = PyObject_GetAttrString(PlainValue, method->ml_name), *text = NULL;
        if (member != NULL) text = PyObject_GetAttrString(member, "__doc__");
        Py_XDECREF(member);
        if (text == NULL) return -1;
        PyOS_snprintf(before, sizeof before, "%s%s\n--\n\n", method->ml_name, method->ml_doc);
        if (PyUnicode_Check(text) && (method->ml_doc = documentation(before, text)) == NULL) return -1;
        if (!PyUnicode_Check(text)) method->ml_doc = NULL;
        Py_DECREF(text);
    }
    for (PyGetSetDef *attribute = attributes; attribute->name != NULL; attribute++) {
        PyObject *text = Py_XNewRef(PyDict_GetItemString(described, attribute->name)), *property = NULL;
        if (text == NULL && (property = PyObject_GetAttrString(PlainValue, attribute->name)) != NULL)
            text = PyObject_GetAttrString(property, "__doc__");
        Py_XDECREF(property);
        if (text == NULL || (attribute->doc = documentation("", text)) == NULL) return -1;
        Py_DECREF(text);
    }
    Py_DECREF(described);
    return 0;
}

/* Take over from the class in value.py what is not written again here: properties, `rank`, and the like. */
static int inherit(void) {
    PyObject *members = PyObject_GetAttrString(PlainValue, "__dict__"), *items = NULL;
    if (members != NULL) items = PyMapping_Items(members);
    Py_XDECREF(members);
    if (items == NULL) return -1;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); i++) {
        PyObject *name = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 0);
        PyObject *member = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 1);
        if (PyDict_Contains(ValueType->tp_dict, name)) continue;
        if (PyObject_SetAttr((PyObject *)ValueType, name, member) < 0) return -1;
    }
    Py_DECREF(items);
    return 0;
}

PyMODINIT_FUNC PyInit__native(void) {
    const struct {
        PyObject **place;
        const char *module, *name;
    } needed[] = {
        {&PlainValue, "autograd.value", "Value"},
        {(PyObject **)&NumberType, "autograd.operation", "Number"},
        {&UNSET, "autograd.graph", "UNSET"},
        {&lock, "autograd.graph", "lock"},
        {&as_float, "autograd.operation", "as_float"},
        {&as_constant, "autograd.operation", "as_constant"},
        {&watch, "autograd.modes", "watch"},
        {&check_backward, "autograd.modes", "check_backward"},
        {&graph_is_off, "autograd.modes", "graph_is_off"},
        {&CUT, "autograd.modes", "CUT"},
        {&following, "autograd.modes", "following"},
        {&checking, "autograd.modes", "checking"},
        {&locating, "autograd.modes", "locating"},
        {&recording, "autograd.modes", "recording"},
    };
    const struct {
        PyObject **place;
        const char *text;
    } names[] = {
        {&str_evaluate, "evaluate"}, {&str_forward, "forward"}, {&str_primitive, "primitive"},
        {&str_partials, "partials"}, {&str_apply, "apply"},     {&str_name, "name"},
        {&str_made, "made"},         {&str_check, "check"},
        {&str_frozen, "frozen"},     {&str_acquire, "acquire"}, {&str_release, "release"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if ((*needed[i].place = fetched(needed[i].module, needed[i].name)) == NULL) return NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((*names[i].place = PyUnicode_InternFromString(names[i].text)) == NULL) return NULL;
    PyObject *table = fetched("autograd.operation", "OPERATIONS");
    if (table == NULL || !(one = PyFloat_FromDouble(1.0)) || !(minus_one = PyFloat_FromDouble(-1.0))) return NULL;
    for (size_t i = 0; i < ROWS; i++) {
        rows[i].op = PyDict_GetItemString(table, rows[i].name);
        if (rows[i].op == NULL) return PyErr_Format(PyExc_ImportError, "the table has no operation %s", rows[i].name);
        Py_INCREF(rows[i].op);
        if (add_known(&rows[i]) < 0) return NULL;
        own_count = known_count;
    }
    Py_DECREF(table);
    PyObject *bases = PyObject_GetAttrString(PlainValue, "__bases__");
    if (bases == NULL || document() < 0) return NULL;
    ValueType = (PyTypeObject *)PyType_FromSpecWithBases(&spec, bases);
    Py_DECREF(bases);
    if (ValueType == NULL || inherit() < 0) return NULL;
    ValueType->tp_vectorcall = value_call;
    FunctionType = (PyTypeObject *)PyType_FromSpec(&function_spec);
    if (FunctionType == NULL) return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddObjectRef(module, "Value", (PyObject *)ValueType) < 0) return NULL;
    return add_traced(module) < 0 ? NULL : module;
}
